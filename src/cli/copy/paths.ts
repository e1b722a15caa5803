import { posix } from 'node:path';

/**
 * The end of a path says whether it must be a folder (`/x/`), and whether the folder itself or what is in it is meant
 * (`/x/.`). Cleaning a path as posix.normalize does loses the latter.
 */
export function isContents(path: string): boolean {
  return /(^|\/)\.$/.test(path);
}

/** It can only be a folder. */
export function mustBeFolder(path: string): boolean {
  return path.endsWith('/') || isContents(path);
}

/** `path` from the working directory, cleaned, with the end that it was given. */
export function absolute(path: string): string {
  return withEndOf(posix.resolve(path), path);
}

/** `clean`, which has no slash or dot at its end, with the end of `path`. */
export function withEndOf(clean: string, path: string): string {
  if (isContents(path)) return clean.endsWith('/') ? `${clean}.` : `${clean}/.`;
  return path.endsWith('/') && !clean.endsWith('/') ? `${clean}/` : clean;
}

/** Where the entry of a path lies, and its name there: `.` for the contents of a folder, `/` for the root. */
export function splitEntry(path: string): { folder: string; name: string } {
  const clean = posix.normalize(path).replace(/(.)\/\.?$/, '$1');
  if (isContents(path)) return { folder: clean, name: '.' };
  return { folder: posix.dirname(clean), name: posix.basename(clean) || '/' };
}

/** Where a link at `path` that says `target` leads. */
export function linkDestination(path: string, target: string): string {
  return target.startsWith('/') ? target : posix.join(splitEntry(path).folder, target);
}

/** The name that a path asks for when a link has led to another one; empty when they are the same. */
export function renamedBy(path: string, resolved: string): string {
  const wanted = posix.basename(path);
  return wanted === posix.basename(resolved) ? '' : wanted;
}

/** The bytes of a text as a latin1 string, and such a string as a path. */
export const toBytes = (text: string) => Buffer.from(text).toString('latin1');
export const toPath = (name: string) => Buffer.from(name, 'latin1');
