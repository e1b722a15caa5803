import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { searchPath } from './run.ts';

/** The full path of a program that is installed, else undefined. Looks where `start` would. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of searchPath.split(':')) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}
