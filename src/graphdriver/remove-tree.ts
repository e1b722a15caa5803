import { rmSync } from 'node:fs';
import { removeUpTo } from '#lib/remove-small.ts';
import { runInWorker } from '#lib/worker-pool.ts';

/** Trees up to this many entries are deleted from the main thread, a call at a time. */
const SMALL = 200;

/** Deletes a tree of any size without keeping the main thread busy. A tree that is not there is not an error. */
export async function removeTree(path: string): Promise<void> {
  const gone = await removeUpTo(path, SMALL).catch(() => false);
  if (!gone) await runInWorker(new URL(import.meta.url), { path });
}

/** The worker's part. */
export function run({ path }: { path: string }): void {
  rmSync(path, { recursive: true, force: true });
}
