import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode, invalid } from '#errors/errors.ts';

/** Links followed before a path is held to be a loop (the kernel's own limit). */
const MAX_LINKS = 40;

/**
 * The host's path of `path` as a process with the root directory `root` would find it: links are followed inside the
 * root, `..` stops at it. What does not exist (yet) is appended as it is. For trees that nobody changes meanwhile: a
 * stopped container, one that is being made. Throws `invalid` for a loop of links.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  const done: string[] = [];
  const todo = path.split('/').reverse();
  let links = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = await linkTarget(join(root, ...done, name));
    if (target === undefined) {
      done.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw invalid(`${path}: too many levels of symbolic links`);
    if (target.startsWith('/')) done.length = 0;
    todo.push(...target.split('/').reverse());
  }
  return join(root, ...done);
}

/** What a link says; undefined for anything else and for what does not exist. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isSymbolicLink() ? await readlink(path) : undefined;
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
