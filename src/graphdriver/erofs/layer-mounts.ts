import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { type Digest, hexOf } from '#lib/digest.ts';
import { KeyedMutex } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';
import type { LayerFiles } from './layer-indexes.ts';

const MOUNT_ATTR_RDONLY = 0x1;
const MOUNT_ATTR_NOSUID = 0x2;
const MOUNT_ATTR_NODEV = 0x4;

/**
 * Mounts every layer once, at `<layersRoot>/<hex>`, however many containers use it: a second superblock of the same
 * layer would keep its files in memory twice. Layers stay mounted until they are removed.
 */
export class LayerMounts {
  readonly #root: string;
  readonly #launcher: Pick<Launcher, 'mount' | 'unmount'>;
  readonly #filesOf: (diffId: string) => Promise<LayerFiles>;
  readonly #mounted = new Set<string>();
  readonly #locks = new KeyedMutex();

  constructor(
    root: string,
    launcher: Pick<Launcher, 'mount' | 'unmount'>,
    filesOf: (diffId: string) => Promise<LayerFiles>,
  ) {
    this.#root = root;
    this.#launcher = launcher;
    this.#filesOf = filesOf;
  }

  get count(): number {
    return this.#mounted.size;
  }

  /** Finds the layers that an earlier engine left mounted. */
  adopt(mounts: readonly MountInfo[]): void {
    const prefix = `${this.#root}/`;
    for (const { fstype, mountPoint } of mounts) {
      if (fstype !== 'erofs' || !mountPoint.startsWith(prefix)) continue;
      this.#mounted.add(`sha256:${mountPoint.slice(prefix.length)}`);
    }
  }

  /** Mounts a layer if it is not; gives its mount point. */
  mount(diffId: string): Promise<string> {
    return this.#locks.run(diffId, async () => {
      const target = this.pathOf(diffId);
      if (this.#mounted.has(diffId)) return target;
      const { indexPath, tarPath } = await this.#filesOf(diffId);
      await mkdir(target, { recursive: true, mode: 0o700 });
      await this.#launcher.mount({
        fstype: 'erofs',
        options: [
          ['ro', null],
          ['source', indexPath],
          ['device', tarPath],
        ],
        attributes: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
        target,
      });
      this.#mounted.add(diffId);
      return target;
    });
  }

  /** Unmounts a layer, then does `afterwards` before anybody can mount it again. */
  unmount(diffId: string, afterwards: () => Promise<void> = async () => undefined): Promise<void> {
    return this.#locks.run(diffId, async () => {
      const target = this.pathOf(diffId);
      await this.#launcher.unmount(target);
      this.#mounted.delete(diffId);
      await removeDirectory(target);
      await afterwards();
    });
  }

  /**
   * Unmounts all layers that are not in use, and with the last one the folder that holds them, unless another one is just
   * being mounted.
   */
  async unmountUnused(isUsed: (diffId: string) => boolean): Promise<void> {
    const unused = [...this.#mounted].filter((diffId) => !isUsed(diffId));
    await Promise.all(unused.map((diffId) => this.unmount(diffId)));
    if (this.#mounted.size === 0 && !this.#locks.busy) await this.#launcher.unmount(this.#root);
  }

  /** Where a layer is mounted, if it is. */
  pathOf(diffId: string): string {
    return join(this.#root, hexOf(diffId as Digest));
  }
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') throw error;
  }
}
