/** An image of 30,000 files is used where it lies: in its tar, mounted once, never extracted. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { diskUse } from '#test/support/footprint.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';

const FOLDERS = 300;
const FILES_PER_FOLDER = 100;
const SAMPLES = ['big/000/00', 'big/123/45', 'big/299/99'];

let daemon: TestDaemon;
/** Of the archive that was loaded. */
let archiveSize: number;
/** What is in the image besides busybox, by name. */
const bodies = new Map<string, Buffer>();

before(async () => {
  daemon = await startDaemon({ busybox: false, flags: ['--storage-driver', 'erofs'] });
  const archive = join(daemon.folder, 'big.tar');
  await makeArchive(archive, [{ layers: [await busyboxLayer(), bigLayer()], tags: ['big:latest'] }]);
  archiveSize = (await stat(archive)).size;
});
after(() => daemon.close());

/** Each file's content is its name, repeated so that sizes go from nothing to some blocks. */
function bigLayer(): Buffer {
  const entries: TarEntry[] = [{ name: 'big/', type: 'dir' }];
  for (let folder = 0; folder < FOLDERS; folder++) {
    const path = `big/${String(folder).padStart(3, '0')}`;
    entries.push({ name: `${path}/`, type: 'dir' });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      const name = `${path}/${String(file).padStart(2, '0')}`;
      const body = Buffer.from(`${name}\n`.repeat((folder + file * 7) % 300));
      bodies.set(name, body);
      entries.push({ name, body });
    }
  }
  return makeTar(entries);
}

test('loading adds less than 100 files, and no more bytes than the tar and 5 %', async (t) => {
  const before = await diskUse(daemon.dataRoot);
  await daemon.ok(['load', '-q', '-i', join(daemon.folder, 'big.tar')]);
  const loaded = await diskUse(daemon.dataRoot);
  t.diagnostic(`${loaded.files - before.files} files, ${loaded.bytes - before.bytes} bytes for ${archiveSize}`);
  assert.ok(loaded.files - before.files < 100, `${loaded.files - before.files} new files`);
  assert.ok(loaded.bytes - before.bytes <= archiveSize * 1.05, `${loaded.bytes - before.bytes} of ${archiveSize}`);
  await rm(join(daemon.folder, 'big.tar'));
  assert.equal(await daemon.ok(['info', '-f', '{{.Driver}}']), 'erofs');
});

test('containers see every file as it is in the tar, and starting one unpacks nothing', async () => {
  const before = await diskUse(daemon.dataRoot);
  const script = `find / -xdev -path '/big/*/*' | wc -l; find / -xdev -type d -path '/big/*' | wc -l; md5sum ${SAMPLES.map((name) => `/${name}`).join(' ')}`;
  const lines = (await daemon.ok(['run', '--name', 'reader', 'big', 'sh', '-c', script])).split('\n');
  const sums = SAMPLES.map((name) => `${createHash('md5').update(bodies.get(name)!).digest('hex')}  /${name}`);
  assert.deepEqual(lines, [String(FOLDERS * FILES_PER_FOLDER), String(FOLDERS), ...sums]);
  const whole = createHash('md5');
  for (const [, body] of [...bodies].sort(([a], [b]) => (a < b ? -1 : 1))) whole.update(body);
  const everything = await daemon.ok(['run', '--rm', 'big', 'sh', '-c', 'cat /big/*/* | md5sum']);
  assert.equal(everything.split(' ')[0], whole.digest('hex'));
  assert.ok((await diskUse(daemon.dataRoot)).files - before.files < 50);
  await daemon.ok(['rm', 'reader']);
});

test('two containers are two overlays over one erofs mount per layer', async () => {
  for (const name of ['one', 'two']) await daemon.ok(['run', '-d', '--name', name, 'big', 'sleep', '1000']);
  const roots = await Promise.all(['one', 'two'].map((name) => rootMountOf(name)));
  for (const { fstype, options } of roots) {
    assert.equal(fstype, 'overlay');
    assert.equal(lowerDirs(options).length, 3);
    assert.equal(lowerDirs(options).at(-1), join(daemon.dataRoot, 'graph/init'));
  }
  assert.deepEqual(lowerDirs(roots[0]!.options), lowerDirs(roots[1]!.options));
  const layers = (await mounts('self')).filter(
    ({ fstype, point }) => fstype === 'erofs' && point.startsWith(daemon.folder),
  );
  assert.deepEqual(layers.map(({ point }) => point).sort(), lowerDirs(roots[0]!.options).slice(0, -1).sort());
  await daemon.ok(['rm', '-f', 'one', 'two']);
});

test('a file that a container changed stays the same inode when container or engine start again', async () => {
  const facts = `for f in /big/123/45 /big/123/46; do stat -c '%d %i' $f; done`;
  const script = `${facts}; [ -e /changed ] || { echo more >> /big/123/45; touch /changed; }; ${facts}; sleep 1000`;
  await daemon.ok(['create', '--name', 'inode', 'big', 'sh', '-c', script]);
  const seen: string[][] = [];
  const runOnce = async () => {
    await daemon.ok(['start', 'inode']);
    for (;;) {
      const lines = (await daemon.ok(['logs', 'inode'])).split('\n').filter(Boolean);
      if (lines.length === 4 * (seen.length + 1)) return void seen.push(lines.slice(-4));
    }
  };
  await runOnce();
  await daemon.ok(['stop', '-t', '0', 'inode']);
  await runOnce();
  await daemon.ok(['stop', '-t', '0', 'inode']);
  await daemon.stop();
  await daemon.start();
  await runOnce();
  const inodes = seen.map((lines) => lines.map((line) => line.split(' ')[1]));
  const [first] = inodes;
  assert.deepEqual(first, [first![0], first![1], first![0], first![1]]);
  for (const later of inodes) assert.deepEqual(later, first);
  // The number of the device itself is the kernel's to choose at each mount; the file stays on that of its layer.
  for (const lines of seen) assert.equal(new Set(lines.map((line) => line.split(' ')[0])).size, 1, lines.join('\n'));
  await daemon.ok(['rm', '-f', 'inode']);
});

interface Mount {
  point: string;
  fstype: string;
  options: string;
}

async function mounts(pid: string): Promise<Mount[]> {
  const text = await readFile(`/proc/${pid}/mountinfo`, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [left, right] = line.split(' - ') as [string, string];
      return { point: left.split(' ')[4]!, fstype: right.split(' ')[0]!, options: right.split(' ').at(-1)! };
    });
}

/** The root of a running container as its own processes see it. */
async function rootMountOf(name: string): Promise<Mount> {
  const pid = await daemon.ok(['inspect', '-f', '{{.State.Pid}}', name]);
  return (await mounts(pid)).find(({ point }) => point === '/')!;
}

function lowerDirs(options: string): string[] {
  return options.split(',').flatMap((option) => /^lowerdir\+?=(.*)$/.exec(option)?.[1]?.split(':') ?? []);
}
