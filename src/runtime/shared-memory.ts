import { mkdir } from 'node:fs/promises';
import type { Int64 } from '#api/types/scalar.ts';
import { conflict } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { readMountInfo } from '#linux/mountinfo.ts';

/** MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC of linux/mount.h */
const GUARDED = 0x2 | 0x4 | 0x8;

export interface SharedMemoryRequest {
  /** `HostConfig.IpcMode` */
  mode: string;
  /** Where a shareable container's /dev/shm is mounted on the host. */
  folder: string;
  /** Bytes. */
  size: Int64;
  /** For `container:x`: that container's id, mode and folder. */
  partner?: { id: string; mode: string; folder: string };
}

/**
 * The host's folder that is a container's /dev/shm, or undefined when the runtime makes a private one. A shareable
 * container gets a tmpfs on the host, because another container cannot be given what is mounted inside the first.
 * Can be repeated. Throws `conflict`, in Docker's words, when the partner's is private.
 */
export async function prepareSharedMemory(
  launcher: Pick<Launcher, 'mount'>,
  { mode, folder, size, partner }: SharedMemoryRequest,
): Promise<string | undefined> {
  if (mode === 'host') return '/dev/shm';
  if (partner) return partnerFolder(partner);
  if (mode !== 'shareable') return undefined;
  await mkdir(folder, { recursive: true });
  const mounted = (await readMountInfo()).some(({ mountPoint }) => mountPoint === folder);
  if (!mounted) {
    await launcher.mount({
      fstype: 'tmpfs',
      options: [
        ['source', 'shm'],
        ['mode', '1777'],
        ['size', String(size)],
      ],
      attributes: GUARDED,
      target: folder,
    });
  }
  return folder;
}

/** After the container's end; a folder that is not mounted is fine. Those who joined keep what they have mounted. */
export async function releaseSharedMemory(launcher: Pick<Launcher, 'unmount'>, folder: string): Promise<void> {
  await launcher.unmount(folder, { detach: true });
}

function partnerFolder({ id, mode, folder }: NonNullable<SharedMemoryRequest['partner']>): string {
  if (mode === 'shareable') return folder;
  if (mode === 'host') return '/dev/shm';
  throw conflict(
    `cannot join IPC namespace of container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  );
}
