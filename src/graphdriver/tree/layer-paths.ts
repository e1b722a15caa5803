import { posix } from 'node:path';
import type { Refuse } from '#archive/tar-fields.ts';
import { isDirectory, isSymlink } from './layer-node.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/** Limits of Linux itself (NAME_MAX, PATH_MAX without its NUL, MAXSYMLINKS). */
export const MAX_NAME = 255;
export const MAX_PATH = 4095;
export const MAX_LINKS = 40;

/** The components of a path inside the layer: `.` dropped, `..` resolved by text and never above the root. */
export function cleanPath(path: string, refuse: Refuse): string[] {
  const components: string[] = [];
  let length = 0;
  for (const component of path.split('/')) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      length -= (components.pop()?.length ?? -1) + 1;
      continue;
    }
    if (component.length > MAX_NAME) throw refuse(`a name of ${component.length} bytes; the limit is ${MAX_NAME}`);
    length += component.length + 1;
    components.push(component);
  }
  if (length > MAX_PATH) throw refuse(`a path of ${length} bytes; the limit is ${MAX_PATH}`);
  return components;
}

/** True for a path whose text does not begin at the layer's root: it is absolute, or `..` would lead above the root. */
export function leadsOut(path: string): boolean {
  return path.startsWith('/') || (path.includes('..') && /^\.\.(\/|$)/.test(posix.normalize(path)));
}

export interface Walked {
  directory: NodeId;
  /** No symlink was followed: the path's text alone says where it is. */
  direct: boolean;
}

/**
 * The directory that `path` leads to, as the kernel would walk it with the layer's root as `/`: symlinks are followed,
 * `..` in them stays inside. Missing components of the path itself are made by `make`; without it, and for those that a
 * symlink's target names, the answer is undefined. Refuses loops and paths through something that is no directory.
 */
export function walk(
  store: NodeStore,
  root: NodeId,
  path: readonly string[],
  refuse: Refuse,
  make?: (parent: NodeId) => NodeId,
): Walked | undefined {
  const trail = [root];
  const todo = path.toReversed();
  /** How many of `todo`, from its end, come from a symlink's target. */
  let fromLink = 0;
  let links = 0;
  while (todo.length > 0) {
    const name = todo.pop()!;
    const mayMake = fromLink === 0;
    fromLink = Math.max(0, fromLink - 1);
    if (name === '..') {
      if (trail.length > 1) trail.pop();
      continue;
    }
    const parent = trail.at(-1)!;
    const child = store.find(parent, name);
    if (child === undefined) {
      if (!make || !mayMake) return undefined;
      const made = make(parent);
      store.link(parent, name, made);
      trail.push(made);
      continue;
    }
    const mode = store.modeOf(child);
    if (isSymlink({ mode })) {
      if (++links > MAX_LINKS) throw refuse('too many levels of symbolic links in its path');
      const { target = '' } = store.get(child);
      if (target.startsWith('/')) trail.length = 1;
      const steps = target.split('/').filter((step) => step !== '' && step !== '.');
      todo.push(...steps.reverse());
      fromLink += steps.length;
    } else {
      if (!isDirectory({ mode })) throw refuse('a part of its path is not a directory');
      trail.push(child);
    }
  }
  return { directory: trail.at(-1)!, direct: links === 0 };
}
