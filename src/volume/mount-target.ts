import { posix } from 'node:path';
import { invalid } from '#errors/errors.ts';

/** A path without `.`, `..`, doubled or trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** The clean target of a mount. Throws `invalid` in Docker's words unless it is an absolute path other than `/`. */
export function mountTarget(path: string, prefix = ''): string {
  if (path === '') throw invalid(`${prefix}field Target must not be empty`);
  if (path.includes('\0')) throw invalid(`${prefix}invalid mount path: it contains a NUL character`);
  if (!path.startsWith('/')) throw invalid(`${prefix}${notAbsolute(path)}`);
  const clean = cleanPath(path);
  if (clean === '/') throw invalid(`${prefix}invalid specification: destination can't be '/'`);
  return clean;
}

export function notAbsolute(path: string): string {
  return `invalid mount path: '${path}' mount path must be absolute`;
}
