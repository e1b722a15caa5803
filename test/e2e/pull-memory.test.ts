/** What the daemon holds in memory while images come and go: bounded, whatever came before and however many at a time. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultDriver } from '#test/support/driver.ts';
import { tarOfManyFiles } from '#test/support/many-files.ts';
import { putImage, type RegistryImage } from '#test/support/registry-images.ts';
import { RegistryScene } from '#test/support/registry-scene.ts';
import { makeTar } from '#test/support/tar.ts';

// Sources that were not built take 30 MB more.
execFileSync(process.execPath, ['scripts/build.ts'], { cwd: import.meta.dirname.replace(/test\/e2e$/, '') });
const scene = new RegistryScene();
const { name, ok } = scene;

/** Megabytes that engine and launcher may hold together. */
const LIMIT = 150;
const TEXT = 'const value = list.map((entry) => entry.name);\n';

const files = (folder: string, count: number, body: string) =>
  Array.from({ length: count }, (_, at) => ({ name: `${folder}/part-${at >> 6}/a-file-${at}.js`, body }));
const images: Record<string, RegistryImage> = {
  large: { layers: [makeTar([{ name: 'large', body: Buffer.concat([randomBytes(16 << 20), Buffer.alloc(256 << 20, TEXT)]) }])] }, // biome-ignore format: one line
  files: { layers: [makeTar(files('one', 10_000, TEXT))] },
  others: { layers: [makeTar(files('two', 10_000, TEXT))] },
  layers: {
    layers: Array.from({ length: 40 }, (_, at) => makeTar(files(`layer-${at}`, 100, TEXT.repeat(200)))),
  },
};
const names = Object.keys(images);
const LABELS = {
  'SCHILY.xattr.security.selinux': 'system_u:object_r:container_file_t:s0',
  'SCHILY.xattr.user.note': 'x'.repeat(100),
};

/** Of a sparse file that ends with TEXT. */
const PIECES = { 'GNU.sparse.size': `${98_304 + TEXT.length}`, 'GNU.sparse.map': `98304,${TEXT.length}` };

/** Made when they are stored: some are large. */
const largeImages: Record<string, () => RegistryImage> = {
  'many-files': () => ({ layers: [tarOfManyFiles('usr/lib/node_modules', 100_000, TEXT)] }),
  'more-files': () => ({ layers: [tarOfManyFiles('usr/lib/node_modules', 300_000, TEXT)] }),
  'as-many-files': () => ({ layers: [tarOfManyFiles('opt', 300_000, TEXT)], compression: 'zstd' }),
  'a-million-files': () => ({ layers: [tarOfManyFiles('usr/lib/node_modules', 1_000_000, TEXT)], compression: 'zstd' }),
  'odd-files': () => ({
    layers: [tarOfManyFiles('labelled', 100_000, TEXT, LABELS), tarOfManyFiles('sparse', 100_000, TEXT, PIECES)],
    compression: 'zstd',
  }),
  'a-large-file': () => ({
    layers: [makeTar([{ name: 'large', body: Buffer.alloc(2_000_000_000, TEXT) }])],
    compression: 'zstd',
  }),
};

/** The most megabytes that launcher and engine hold during `work`, seen every 10 ms. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  const pids = [scene.daemon.launcherPid(), await scene.daemon.enginePid()];
  let peak = 0;
  let over = false;
  const working = work().finally(() => (over = true));
  while (!over) {
    const pages = await Promise.all(pids.map(async (pid) => Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]))); // biome-ignore format: one line
    peak = Math.max(peak, pages.reduce((sum, count) => sum + count) / 256);
    await sleep(10);
  }
  await working;
  return Math.round(peak);
}

const pull = (image: string) => ok('pull', '-q', name(image));
const removeAll = () => ok('rmi', ...names.map(name));

async function oneAfterTheOther(work: (image: string) => Promise<unknown>): Promise<void> {
  for (const image of names) await work(image);
}

type Sequence = [what: string, work: () => Promise<unknown>];

const manyMore: Sequence[] = [
  ['pulls of two of 300,000 files at once', async () => {
    await ok('rmi', name('more-files'));
    await Promise.all([pull('more-files'), pull('as-many-files')]);
  }], // biome-ignore format: short
  ['a pull of a layer of 1,000,000 files', () => pull('a-million-files')],
];

const sequences: Sequence[] = [
  ['pulls, one after the other', () => oneAfterTheOther(pull)],
  ['pulls of all at once, three times', async () => {
    for (let times = 0; times < 3; times++) {
      await removeAll();
      await Promise.all(names.map(pull));
    }
  }], // biome-ignore format: short
  [
    'a load of all, and pushes at once',
    async () => {
      const archive = join(scene.daemon.folder, 'all.tar');
      await ok('save', '-o', archive, ...names.map(name));
      await removeAll();
      await ok('load', '-q', '-i', archive);
      for (const image of names) await ok('tag', name(image), name(`pushed/${image}`));
      await Promise.all(names.map((image) => ok('push', '-q', name(`pushed/${image}`))));
    },
  ],
  ['pulls of what was just removed, while others are pushed', async () => {
    await ok('rmi', name('large'), name('pushed/large'), name('others'), name('pushed/others'));
    await ok('tag', name('files'), name('again/files'));
    await Promise.all([pull('large'), pull('others'), ok('push', '-q', name('again/files'))]);
  }], // biome-ignore format: short
  [
    'a pull of a layer of 100,000 files, when the workers of all that have ended',
    async () => {
      await sleep(1000);
      await pull('many-files');
    },
  ],
  ['a pull of one of 300,000 files beside one of 100,000', async () => {
    await ok('rmi', name('many-files'));
    await Promise.all([pull('more-files'), pull('many-files')]);
  }], // biome-ignore format: short
  // A driver that writes each of them to the disk takes minutes for these.
  ...(defaultDriver === 'erofs' ? manyMore : []),
  ['a pull of 100,000 files with extended attributes, and of 100,000 sparse ones', () => pull('odd-files')],
  ['a pull of a layer of 2 GB, and a push of it', async () => {
    await pull('a-large-file');
    await ok('tag', name('a-large-file'), name('pushed/a-large-file'));
    await ok('push', '-q', name('pushed/a-large-file'));
  }], // biome-ignore format: short
];

test(`engine and launcher never hold more than ${LIMIT} MB`, async (t) => {
  for (const image of names) await putImage(scene.registry, image, images[image]!, 'latest');
  for (const [image, make] of Object.entries(largeImages)) await putImage(scene.registry, image, make(), 'latest');
  for (const [what, work] of sequences) {
    await t.test(what, async (t) => {
      const peak = await peakOf(work);
      t.diagnostic(`at most ${peak} MB`);
      assert.ok(peak <= LIMIT, `the daemon held ${peak} MB`);
    });
  }
});
