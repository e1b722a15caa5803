import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { readExitRecord } from '#runtime/exit-record.ts';
import type { Engine } from '../engine.ts';
import { removeLeftovers } from '../remove.ts';

/**
 * Files of containers that no row names. What cannot hold anybody's data goes: its creation did not get to its row. All
 * else is put aside, and its writable layer left, for the database may be the one that is wrong. `removed` are the ids
 * whose removal is still to be finished.
 */
export async function clearUnknown(engine: Engine, removed: ReadonlySet<string>): Promise<void> {
  const { containers, quarantine, runs } = engine.paths;
  const layers = await engine.driver.listReadWrite();
  const aside = new Set(await namesIn(quarantine));
  for (const id of new Set([...(await namesIn(containers)), ...(await namesIn(runs)), ...layers])) {
    const owner = ownerOf(id);
    if (engine.containers.has(owner) || removed.has(owner) || aside.has(`container-${id}`)) continue;
    if (await neverRan(engine, id)) {
      await removeLeftovers(engine, { id, chain: [], anonymousVolumes: [] });
      continue;
    }
    await putAside(engine, id);
    engine.log.warn('the files of an unknown container were put aside', { container: id, folder: quarantine });
  }
}

/** The layer of an image that a container has mounted begins with the container's id. */
function ownerOf(layer: string): string {
  return /^([0-9a-f]{64})-/.exec(layer)?.[1] ?? layer;
}

/** A place in the quarantine stands for the writable layer even where there is no folder to move there. */
async function putAside(engine: Engine, id: string): Promise<void> {
  const { folder } = engine.paths.container(id);
  const place = join(engine.paths.quarantine, `container-${id}`);
  await mkdir(engine.paths.quarantine, { recursive: true, mode: 0o700 });
  await (existsSync(folder) ? rename(folder, place) : mkdir(place));
}

/** A start leaves files beside those of the creation; nothing else writes to a container's layer. */
async function neverRan(engine: Engine, id: string): Promise<boolean> {
  const { folder, config, exitRecord } = engine.paths.container(id);
  const files = (await namesIn(folder)).map((name) => join(folder, name));
  const { UpperDir: upper } = engine.driver.describe(id, []);
  return (
    files.every((path) => path === config || path === exitRecord) &&
    (await isBlank(exitRecord)) &&
    upper !== undefined &&
    (await namesIn(upper)).length === 0
  );
}

async function isBlank(exitRecord: string): Promise<boolean> {
  return readExitRecord(exitRecord).then(
    (exit) => exit === undefined,
    () => false,
  );
}

/** None when the folder is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [];
    throw error;
  }
}
