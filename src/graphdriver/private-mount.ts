import { mkdir, realpath } from 'node:fs/promises';
import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';

const MS_PRIVATE = 1 << 18;

/**
 * Makes the folder `path`, if need be, a private mount of itself: what is mounted below it must not appear in other
 * mount namespaces, where it would be kept busy. Gives the folder's real path.
 */
export async function makePrivateFolder(
  path: string,
  mode: number,
  mounts: readonly MountInfo[],
  launcher: Pick<Launcher, 'bind'>,
): Promise<string> {
  await mkdir(path, { recursive: true, mode });
  const target = await realpath(path);
  const isPrivate = mounts.some((mount) => mount.mountPoint === target && mount.propagation.length === 0);
  if (!isPrivate) await launcher.bind({ source: target, target, propagation: MS_PRIVATE });
  return target;
}
