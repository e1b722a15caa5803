import { rmSync } from 'node:fs';
import { opendir, rm } from 'node:fs/promises';
import { runInWorker } from '#lib/worker-pool.ts';

/** Trees up to this many entries are deleted from the main thread, a call at a time. */
const SMALL = 200;

/** Deletes a tree of any size without keeping the main thread busy. A tree that is not there is not an error. */
export async function removeTree(path: string): Promise<void> {
  if (await isSmall(path)) await rm(path, { recursive: true, force: true });
  else await runInWorker(new URL(import.meta.url), { path });
}

/** The worker's part. */
export function run({ path }: { path: string }): void {
  rmSync(path, { recursive: true, force: true });
}

async function isSmall(path: string): Promise<boolean> {
  let entries = 0;
  const folders = [Buffer.from(path)];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    let listing: Awaited<ReturnType<typeof opendir>>;
    try {
      listing = await opendir(folder, { encoding: 'latin1' });
    } catch {
      continue;
    }
    for await (const entry of listing) {
      if (++entries > SMALL) return false;
      if (entry.isDirectory()) folders.push(Buffer.concat([folder, Buffer.from(`/${entry.name}`, 'latin1')]));
    }
  }
  return true;
}
