import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';

/** Parents first. Where the runtime mounts file systems, and the folders of the files below. */
const FOLDERS = ['dev', 'dev/pts', 'dev/shm', 'etc', 'proc', 'sys'];
/** Where the runtime mounts files; programs ask for `.dockerenv` to learn that they are in a container. */
const FILES = ['.dockerenv', 'dev/console', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf'];
const LINKS: readonly [path: string, target: string][] = [['etc/mtab', '/proc/mounts']];

/** The directory in a driver's root that is the lowest layer of every container. Drivers make it, empty. */
export const initLayerOf = (root: string) => join(root, 'init');

/**
 * Fills a driver's init layer with what Docker gives every container besides its image. An image's own files hide these,
 * and the mount points that an image lacks are not made in the writable layer, where `diff` and `commit` would show
 * them. `driverRoot` is `<data-root>/graph`. What is there already stays as it is.
 */
export async function setUpInitLayer(driverRoot: string): Promise<void> {
  const root = initLayerOf(driverRoot);
  for (const path of FOLDERS) await unlessThere(mkdir(join(root, path), 0o755));
  for (const path of FILES) await unlessThere(writeFile(join(root, path), '', { flag: 'wx', mode: 0o755 }));
  for (const [path, target] of LINKS) await unlessThere(symlink(target, join(root, path)));
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (errnoCode(error) !== 'EEXIST') throw error;
  }
}
