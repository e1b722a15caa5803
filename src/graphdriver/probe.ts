import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { describe, system } from '#errors/errors.ts';
import type { Launcher, MountRequest } from '#linux/launcher-types.ts';
import { overlayOptions } from './overlay-options.ts';

const MS_PRIVATE = 1 << 18;

export interface ProbeOptions {
  /** `<data-root>/graph`, the place that will hold layers and writable layers. Made if it is not there. */
  root: string;
  launcher: Pick<Launcher, 'mount' | 'bind' | 'unmount'>;
}

/** What a driver does once to find out whether it works here. */
export interface Probe {
  driver: string;
  /** What it needs, for the hint. */
  needs: string;
  steps: readonly ProbeStep[];
}

export type ProbeStep = [what: string, work: (bench: Bench) => Promise<void>];

/** A folder to try things in, which is emptied and unmounted afterwards. */
export interface Bench {
  at(name: string): string;
  /** Mounts on the new folder `name`. */
  mount(name: string, request: Omit<MountRequest, 'target'>): Promise<void>;
  bind(source: string, name: string): Promise<void>;
}

/**
 * Finds out whether a driver works on this kernel and in this data-root, by doing all of it once on a layer of two files.
 * Throws `system` (code `DRIVER_UNUSABLE`) that names the step which failed and why; leaves nothing behind.
 */
export async function runProbe({ driver, needs, steps }: Probe, { root, launcher }: ProbeOptions): Promise<void> {
  const folder = join(root, '_tmp', `probe-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  await launcher.bind({ source: folder, target: folder, propagation: MS_PRIVATE });
  const mounted = [folder];
  const at = (name: string) => join(folder, name);
  const attach = async (name: string, work: (target: string) => Promise<void>) => {
    await mkdir(at(name));
    await work(at(name));
    mounted.push(at(name));
  };
  const bench: Bench = {
    at,
    mount: (name, request) => attach(name, (target) => launcher.mount({ ...request, target })),
    bind: (source, name) => attach(name, (target) => launcher.bind({ source: at(source), target })),
  };
  try {
    for (const [what, work] of steps) {
      await work(bench).catch((cause) => {
        throw system(`the ${driver} driver cannot be used in ${root}: ${what} failed: ${describe(cause)}`, {
          code: 'DRIVER_UNUSABLE',
          hint: needs,
          cause,
        });
      });
    }
  } finally {
    for (const target of mounted.reverse()) await launcher.unmount(target, { detach: true });
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes the layer that is tried out, two files, as `tar`. */
export const writeLayerStep: ProbeStep = ['writing a layer', ({ at }) => writeFile(at('tar'), probeLayer())];

/** Reads the layer, mounts an overlay over it and another one inside that, and uses both. */
export function overlaySteps(layer: string): ProbeStep[] {
  return [
    ['reading the layer', ({ at }) => expectText(join(at(layer), 'kept'), 'kept')],
    ['mounting overlay over it', (bench) => mountOverlay(bench, 'merged', bench.at(layer))],
    ['writing and deleting in the overlay', useOverlay],
    ['mounting an overlay inside the result', (bench) => mountOverlay(bench, 'inner', bench.at('merged'))],
    ['reading the inner overlay', ({ at }) => expectText(join(at('inner'), 'kept'), 'changed')],
  ];
}

/** Throws unless the file holds this text. */
export async function expectText(path: string, text: string): Promise<void> {
  const found = await readFile(path, 'utf8');
  if (found !== text) throw system(`${path} reads ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
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

async function expectNames(path: string, names: string[]): Promise<void> {
  const found = (await readdir(path)).sort();
  if (found.join() !== names.join()) throw system(`${path} holds ${found.join(', ')}, not ${names.join(', ')}`);
}
