import { open, rename, writeFile } from 'node:fs/promises';
import { KeyedMutex } from './locks.ts';

/** Writes a new file and waits until it is on the disk. The entry in its folder is durable with the folder's next sync. */
export async function writeFileDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'w', mode);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Puts a new file in the place of another in one step: readers, also after a crash, see the one or the other. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, text);
  await rename(draft, path);
}

/** By folder, the flush that has not begun yet. */
const waiting = new Map<string, Promise<void>>();
const turns = new KeyedMutex();

/** Waits until the names that a folder has now are on the disk. Those who ask during one flush share the next. */
export function syncFolder(path: string): Promise<void> {
  const shared = waiting.get(path);
  if (shared) return shared;
  const next = turns.run(path, () => {
    waiting.delete(path);
    return flush(path);
  });
  waiting.set(path, next);
  return next;
}

async function flush(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
