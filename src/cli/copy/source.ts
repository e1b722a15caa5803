import { readlink, realpath } from 'node:fs/promises';
import type { CopiedSource } from './destination.ts';
import { lookUp, refuse } from './look-up.ts';
import { absolute, linkDestination, renamedBy, withEndOf } from './paths.ts';

/**
 * What a path here names: links on the way are followed, the last one only with `followLink`, or where the path says that
 * it is a folder. Throws CommandError when there is nothing.
 */
export async function findSource(given: string, followLink: boolean): Promise<CopiedSource> {
  const path = absolute(given);
  const resolved = followLink || path.endsWith('/') ? withEndOf(await real(path), path) : await realFolder(path);
  const info = await lookUp(resolved);
  return { path: resolved, isFolder: info.isDirectory(), newName: renamedBy(path, resolved) };
}

async function realFolder(path: string): Promise<string> {
  const end = path.lastIndexOf('/');
  const folder = await real(path.slice(0, end) || '/');
  return `${folder === '/' ? '' : folder}${path.slice(end)}`;
}

async function real(path: string): Promise<string> {
  return realpath(path).catch(async (error: unknown) => refuse(await lastLink(path), error));
}

/** Where a link leads to nothing, that is what is missing. */
async function lastLink(path: string): Promise<string> {
  const target = await readlink(path).catch(() => undefined);
  return target === undefined ? path : lastLink(linkDestination(path, target));
}
