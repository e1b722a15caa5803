import { mkdir, readdir, realpath, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoCode, forbidden, system } from '#errors/errors.ts';
import type { Launcher } from './launcher-types.ts';
import { type MountInfo, mountOf, readMountInfo } from './mountinfo.ts';

/** A part of a folder, to be seen at `target`, which does not exist yet. */
export interface BindBelow {
  base: string;
  /** Relative; links in it are followed. */
  subpath: string;
  target: string;
}

/**
 * Mounts a part of a folder that others can write to. Where the path leads is looked at before and after: nobody gets out
 * of the folder by swapping a link in between. Throws in Docker's words `system` for a path that is not there,
 * `forbidden` for one that leads out.
 */
export async function bindBelow(
  launcher: Pick<Launcher, 'bind' | 'unmount'>,
  { base, subpath, target }: BindBelow,
): Promise<void> {
  const escapes = () => forbidden(`path concatenation escapes the base directory, base: ${base}, subpath: ${subpath}`);
  const path = join(base, subpath);
  const [root, source] = await Promise.all([realpath(base), realpath(path)]).catch((cause: unknown) => {
    if (errnoCode(cause) !== 'ENOENT') throw cause;
    throw system(`cannot access path ${path}: lstat ${path}: no such file or directory`, { cause });
  });
  if (!contains(root, source)) throw escapes();
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await ((await stat(source)).isDirectory() ? mkdir(target) : writeFile(target, ''));
  await launcher.bind({ source, target, recursive: true });
  if (isMountedFrom(await readMountInfo(), root, target)) return;
  await launcher.unmount(target, { detach: true });
  throw escapes();
}

/** Takes down all that `bindBelow` mounted directly below a folder, then the folder; what is in the mounts stays. */
export async function unbindAll(launcher: Pick<Launcher, 'unmount'>, folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!entries) return;
  for (const entry of entries) {
    const target = join(folder, entry.name);
    await launcher.unmount(target, { detach: true });
    await (entry.isDirectory() ? rmdir(target) : unlink(target));
  }
  await rmdir(folder);
}

/** Whether what is mounted at `target` lies in the file system below where `root` does. */
function isMountedFrom(table: MountInfo[], root: string, target: string): boolean {
  const outer = mountOf(table, root);
  const inner = mountOf(table, target);
  if (!outer || !inner || inner.mountPoint !== target || inner.device !== outer.device) return false;
  const below = outer.mountPoint === '/' ? root : root.slice(outer.mountPoint.length);
  return contains(join(outer.root, below), inner.root);
}

function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith('/') ? outer : `${outer}/`);
}
