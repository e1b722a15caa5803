import { lstatSync, opendirSync } from 'node:fs';
import { errnoCode } from '#errors/errors.ts';
import { type JobOptions, runInWorker } from './worker-pool.ts';

/**
 * Bytes of all files below the folder `path`, a file with several names once, folders themselves not: as `docker` counts
 * volumes. A worker walks; what disappears meanwhile does not count. 0 for a folder that is not there.
 */
export function treeSize(path: string, options?: JobOptions): Promise<number> {
  return runInWorker<number>(new URL(import.meta.url), path, options);
}

/** The job of `treeSize`. */
export function run(path: string): number {
  const folders = [path];
  const counted = new Set<string>();
  let total = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(folder)) {
      const child = `${folder}/${name}`;
      const info = lstatSync(child, { throwIfNoEntry: false });
      if (!info) continue;
      if (info.isDirectory()) folders.push(child);
      else if (info.nlink === 1 || isFirst(counted, `${info.dev}:${info.ino}`)) total += info.size;
    }
  }
  return total;
}

function isFirst(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function* namesIn(folder: string): Generator<string> {
  try {
    using entries = opendirSync(folder);
    for (let entry = entries.readSync(); entry; entry = entries.readSync()) yield entry.name;
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT' && errnoCode(error) !== 'ENOTDIR') throw error;
  }
}
