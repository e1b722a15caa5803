import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from './errors.ts';

/**
 * Throws CommandError, in docker's words, for a path that a command cannot write its result to. To be called before the
 * daemon is asked for anything. `folder`: a folder will do as well.
 */
export async function checkOutputPath(path: string, { folder: mayBeFolder = false } = {}): Promise<void> {
  const folder = dirname(path);
  const parent = await stat(folder).catch(() => undefined);
  if (!parent?.isDirectory()) throw new CommandError(`invalid output path: directory "${folder}" does not exist`);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() && mayBeFolder) return;
  if (found?.isDirectory()) throw new CommandError(`invalid output path: "${path}" is a directory`);
  if (found && !found.isFile()) {
    throw new CommandError(`invalid output path: "${path}" must be a directory or a regular file`);
  }
}

/** Writes all of `content` beside `path` and then puts it there: what was there stays until all is well. */
export async function writeOutputFile(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    await pipeline(
      Readable.from(content, { objectMode: false }),
      createWriteStream(draft, { flags: 'wx', mode: 0o600 }),
    );
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    const code = errnoCode(error);
    if (code === undefined) throw error;
    throw new CommandError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}
