/** Compares what dockerd and our drivers make of the same layers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isEngineError } from '#errors/errors.ts';
import { treeFacts } from '#graphdriver/contract-tree.ts';
import { DRIVERS, type DriverName, type GraphDriver } from '#graphdriver/driver.ts';
import { openDriver } from '#graphdriver/open-driver.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type DockerdLayers, startDockerdLayers } from './dockerd-layers.ts';
import { driverOptions } from './driver.ts';
import { startLauncher } from './launcher.ts';
import { makeMemoryDisk } from './memory-disk.ts';

type Trees = Awaited<ReturnType<typeof treeFacts>>;
type Outcome = { trees: Trees } | { refusal: string };

export interface ParityBench {
  /**
   * Fails when dockerd makes a tree of these layers (bottom first) and one of our drivers another one or none. Layers that
   * dockerd refuses have no tree to compare with: then our drivers have to agree with each other. Gives dockerd's words.
   */
  compare(layers: readonly Buffer[]): Promise<{ refusal?: string }>;
  close(): Promise<void>;
}

interface Subject {
  name: DriverName;
  outcomeOf(layers: readonly Buffer[]): Promise<Outcome>;
  close(): Promise<void>;
}

export async function openParityBench(): Promise<ParityBench> {
  const disk = await makeMemoryDisk('parity');
  const base = disk.path;
  const from = Math.floor(Date.now() / 1000) - 1;
  const server = await startLauncher();
  const dockerd = await startDockerdLayers(base);
  const subjects = await Promise.all(DRIVERS.map((name) => openSubject(base, name, server.launcher)));
  for (const folder of ['empty', 'merged']) await mkdir(join(base, folder));
  return {
    async compare(layers) {
      const [theirs, ...outcomes] = await Promise.all([
        outcomeOfDockerd(dockerd, server.launcher, base, layers),
        ...subjects.map(({ outcomeOf }) => outcomeOf(layers)),
      ]);
      const clock = { from, to: Math.ceil(Date.now() / 1000) + 1 };
      for (const [at, { name }] of subjects.entries()) {
        const ours = outcomes[at]!;
        if ('trees' in theirs) {
          assert.ok('trees' in ours, `${name} refuses what dockerd takes: ${'refusal' in ours && ours.refusal}`);
          const expected = comparable(theirs.trees, theirs.trees, clock);
          assert.deepEqual(comparable(ours.trees, theirs.trees, clock), expected, `${name} differs from dockerd`);
        } else {
          const first = withoutRoot(outcomes[0]!);
          assert.deepEqual(withoutRoot(ours), first, `${name} differs from ${DRIVERS[0]}; dockerd: ${theirs.refusal}`);
        }
      }
      return 'refusal' in theirs ? { refusal: theirs.refusal } : {};
    },
    async close() {
      for (const { close } of subjects) await close();
      await dockerd.close();
      await server.close();
      await disk.close();
    },
  };
}

async function outcomeOfDockerd(
  dockerd: DockerdLayers,
  launcher: Launcher,
  base: string,
  layers: readonly Buffer[],
): Promise<Outcome> {
  const answer = await dockerd.extract(layers);
  if ('refusal' in answer) return answer;
  const target = join(base, 'merged');
  const lower = [...answer.folders.toReversed(), join(base, 'empty')];
  const options = lower.map((folder): [string, string] => ['lowerdir+', folder]);
  await launcher.mount({ fstype: 'overlay', target, options });
  try {
    return { trees: await treeFacts(target) };
  } finally {
    await launcher.unmount(target);
  }
}

async function openSubject(base: string, name: DriverName, launcher: Launcher): Promise<Subject> {
  const home = join(base, name);
  await mkdir(join(home, 'content'), { recursive: true });
  const contentPath = (diffId: string) => join(home, 'content', diffId.slice('sha256:'.length));
  const driver = await openDriver(name, driverOptions(home, launcher, contentPath));
  return {
    name,
    async outcomeOf(layers) {
      const chain: string[] = [];
      try {
        for (const layer of layers) chain.push(await apply(driver, layer, contentPath));
        await driver.createReadWrite('subject', chain);
        return { trees: await treeFacts((await driver.get('subject')).path) };
      } catch (error) {
        if (!isEngineError(error, 'invalid')) throw error;
        return { refusal: error.message };
      } finally {
        await driver.remove('subject');
        for (const diffId of new Set(chain)) {
          await driver.removeLayer(diffId);
          await rm(contentPath(diffId));
        }
      }
    },
    async close() {
      await driver.cleanup();
      for (const folder of ['graph', 'layers']) await launcher.unmount(join(home, folder), { detach: true });
    },
  };
}

async function apply(driver: GraphDriver, tar: Buffer, contentPath: (diffId: string) => string): Promise<string> {
  const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  const tarPath = contentPath(diffId);
  await writeFile(tarPath, Buffer.concat([tar, Buffer.alloc(-tar.length & 511)]));
  await driver.applyDiff({ diffId, tarPath, size: tar.length });
  return diffId;
}

/** What every container has besides its image, and the root, which is the container's own. */
const OF_CONTAINERS = /^\/($|dev|etc|proc|sys|\.dockerenv)/;

function withoutRoot(outcome: Outcome): Outcome {
  return 'trees' in outcome ? { trees: { ...outcome.trees, '/': {} } } : outcome;
}

/**
 * Without what is no part of the layers. Where dockerd leaves the time of the extraction, on directories that no entry
 * describes, no time is compared.
 */
function comparable(trees: Trees, theirs: Trees, clock: { from: number; to: number }): Trees {
  const parts = Object.entries(trees).filter(([path]) => !OF_CONTAINERS.test(path));
  return Object.fromEntries(
    parts.map(([path, facts]) => {
      const seconds = Number(theirs[path]?.time?.split('.')[0]);
      return [path, seconds >= clock.from && seconds <= clock.to ? { ...facts, time: 'of the extraction' } : facts];
    }),
  );
}
