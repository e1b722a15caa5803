import { lstat } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import { CommandError } from '../errors.ts';

/** What is at a path here; a last link is followed where the path says that it is a folder. Throws CommandError. */
export function lookUp(path: string): ReturnType<typeof lstat> {
  return lstat(path).catch((error: unknown) => refuse(path, error));
}

/** Throws a failed system call as CommandError in Go's words; ENOENT and the like mean the path that the user gave. */
export function refuse(path: string, error: unknown): never {
  const reasons: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    ELOOP: 'too many levels of symbolic links',
  };
  const code = errnoCode(error) ?? '';
  if (code === 'ENOTDIR') throw new CommandError('not a directory', { cause: error });
  const reason = reasons[code];
  if (reason === undefined) throw error;
  throw new CommandError(`lstat ${path}: ${reason}`, { cause: error });
}
