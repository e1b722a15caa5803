import { opendir, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';

/**
 * Deletes a folder that the engine made, with the few files in it. `rm` asks about each of them twice first, which for every
 * container that ends is most of the work. A folder that is not there is not an error.
 */
export async function removeSmallFolder(path: string): Promise<void> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    await Promise.all(
      entries.map((entry) => {
        const inside = join(path, entry.name);
        return entry.isDirectory() ? removeSmallFolder(inside) : removeFile(inside);
      }),
    );
    await rmdir(path);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}

/** Deletes a file. One that is not there is not an error; `rm` would look for it first. */
export async function removeFile(path: string | Buffer): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}

/**
 * Deletes a tree in one walk, an entry at a time, but no more than `limit` of them. False = there was more, and what is left
 * is for somebody else. Names may be any bytes.
 */
export async function removeUpTo(path: string, limit: number): Promise<boolean> {
  let left = limit;
  const remove = async (folder: Buffer): Promise<boolean> => {
    for await (const entry of await opendir(folder, { encoding: 'latin1' })) {
      if (--left < 0) return false;
      const inside = Buffer.concat([folder, Buffer.from(`/${entry.name}`, 'latin1')]);
      if (!entry.isDirectory()) await removeFile(inside);
      else if (!(await remove(inside))) return false;
    }
    await rmdir(folder);
    return true;
  };
  try {
    return await remove(Buffer.from(path));
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return true;
    throw error;
  }
}
