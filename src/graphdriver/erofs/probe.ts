import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { describe, system } from '#errors/errors.ts';
import { digestOf } from '#lib/digest.ts';
import { runInWorker } from '#lib/worker-pool.ts';
import type { Launcher, MountRequest } from '#linux/launcher-types.ts';
import { overlayOptions } from '../overlay-options.ts';
import type { IndexJob } from './index-layer.ts';

const MOUNT_ATTR_RDONLY = 0x1;
const MS_PRIVATE = 1 << 18;

export interface ProbeOptions {
  /** `<data-root>/graph`, the place that will hold indexes and writable layers. Made if it is not there. */
  root: string;
  launcher: Pick<Launcher, 'mount' | 'bind' | 'unmount'>;
}

/** A folder to try things in, which is emptied and unmounted afterwards. */
interface Bench {
  at(name: string): string;
  mount(name: string, request: Omit<MountRequest, 'target'>): Promise<void>;
}

type Step = [what: string, work: (bench: Bench) => Promise<void>];

/**
 * Finds out whether the erofs driver works on this kernel and in this data-root, by doing all of it once on a layer of
 * two files. Throws `system` (code `EROFS_UNUSABLE`) that names the step which failed and why; leaves nothing behind.
 */
export async function probeErofs({ root, launcher }: ProbeOptions): Promise<void> {
  const folder = join(root, '_tmp', `probe-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  await launcher.bind({ source: folder, target: folder, propagation: MS_PRIVATE });
  const mounted = [folder];
  const at = (name: string) => join(folder, name);
  const bench: Bench = {
    at,
    async mount(name, request) {
      await mkdir(at(name));
      await launcher.mount({ ...request, target: at(name) });
      mounted.push(at(name));
    },
  };
  try {
    for (const [what, work] of steps) await work(bench).catch((cause) => fail(root, what, cause));
  } finally {
    for (const target of mounted.reverse()) await launcher.unmount(target, { detach: true });
    await rm(folder, { recursive: true, force: true });
  }
}

function fail(root: string, what: string, cause: unknown): never {
  throw system(`the erofs driver cannot be used in ${root}: ${what} failed: ${describe(cause)}`, {
    code: 'EROFS_UNUSABLE',
    hint: 'It needs Linux 6.12 or later and a data-root on a disk file system (not tmpfs, not overlay).',
    cause,
  });
}

const steps: readonly Step[] = [
  ['writing a layer', ({ at }) => writeFile(at('tar'), probeLayer())],
  ['indexing it', indexProbeLayer],
  ['mounting erofs over files', mountLayer],
  ['reading the layer', ({ at }) => expectText(join(at('layer'), 'kept'), 'kept')],
  ['mounting overlay over it', ({ at, mount }) => mountOverlay({ at, mount }, 'merged', at('layer'))],
  ['writing and deleting in the overlay', useOverlay],
  ['mounting an overlay inside the result', ({ at, mount }) => mountOverlay({ at, mount }, 'inner', at('merged'))],
  ['reading the inner overlay', ({ at }) => expectText(join(at('inner'), 'kept'), 'changed')],
];

async function indexProbeLayer({ at }: Bench): Promise<void> {
  const { size } = await stat(at('tar'));
  const paths = { tarPath: at('tar'), indexPath: at('index'), temporaryPath: at('draft') };
  const job: IndexJob = { diffId: digestOf('probe'), size, ...paths };
  await runInWorker(new URL('./index-layer.ts', import.meta.url), job);
}

async function mountLayer({ at, mount }: Bench): Promise<void> {
  const options: MountRequest['options'] = [
    ['ro', null],
    ['source', at('index')],
    ['device', at('tar')],
  ];
  await mount('layer', { fstype: 'erofs', options, attributes: MOUNT_ATTR_RDONLY });
}

async function mountOverlay({ at, mount }: Bench, name: string, lower: string): Promise<void> {
  const writable = { upper: at(`${name}-upper`), work: at(`${name}-work`) };
  for (const path of Object.values(writable)) await mkdir(path);
  await mount(name, { fstype: 'overlay', options: overlayOptions([lower], writable) });
}

async function useOverlay({ at }: Bench): Promise<void> {
  await writeFile(join(at('merged'), 'kept'), 'changed');
  await rm(join(at('merged'), 'deleted'));
  await expectText(join(at('merged'), 'kept'), 'changed');
  await expectNames(at('merged'), ['kept']);
  await expectNames(at('merged-upper'), ['deleted', 'kept']);
}

function probeLayer(): Buffer {
  const files = ['kept', 'deleted'].flatMap((name) => [
    encodeTarHeader({ type: 'file', name, size: name.length }),
    Buffer.from(name),
    tarPadding(name.length),
  ]);
  return Buffer.concat([...files, TAR_END]);
}

async function expectText(path: string, text: string): Promise<void> {
  const found = await readFile(path, 'utf8');
  if (found !== text) throw system(`${path} reads ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
}

async function expectNames(path: string, names: string[]): Promise<void> {
  const found = (await readdir(path)).sort();
  if (found.join() !== names.join()) throw system(`${path} holds ${found.join(', ')}, not ${names.join(', ')}`);
}
