import { randomBytes } from 'node:crypto';
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';

/**
 * Moves what nobody can account for to `<dataRoot>/quarantine/<name>` (with an ending when that is taken), where it stays
 * until its owner deletes it. Gives the new place; undefined when there is nothing at `path`.
 */
export async function moveToQuarantine(dataRoot: string, path: string, name: string): Promise<string | undefined> {
  const folder = join(dataRoot, 'quarantine');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const wanted = join(folder, name);
  const place = (await isFree(wanted)) ? wanted : `${wanted}-${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, place);
    return place;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isFree(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    (error) => errnoCode(error) === 'ENOENT',
  );
}
