import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from './errors.ts';

/** The bytes of a file that a command reads. Throws CommandError in docker's words when it cannot be opened. */
export async function openInputFile(path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const file = await open(path);
    const info = await file.stat();
    if (info.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    return createReadStream(path, { fd: file, highWaterMark: 1 << 20 });
  } catch (error) {
    const reasons: Record<string, string> = {
      ENOENT: 'no such file or directory',
      EACCES: 'permission denied',
      EISDIR: 'is a directory',
    };
    const code = errnoCode(error) ?? '';
    throw new CommandError(`open ${path}: ${reasons[code] ?? (error as Error).message}`, { cause: error });
  }
}
