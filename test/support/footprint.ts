/** What an engine holds of the machine: its files, mounts, network namespaces, processes. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files and folders below `root`, and the bytes that they take on disk. */
export async function diskUse(root: string): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  for (const name of await readdir(root, { recursive: true })) {
    const entry = await lstat(join(root, name)).catch(() => undefined); // it may go while we look
    if (!entry) continue;
    files++;
    bytes += entry.blocks * 512;
  }
  return { files, bytes };
}
