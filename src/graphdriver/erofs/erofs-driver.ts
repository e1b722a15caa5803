import { mkdir, realpath, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedMutex } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type MountInfo, readMountInfo } from '#linux/mountinfo.ts';
import type { GetOptions, GraphDriver, Rootfs } from '../driver.ts';
import { overlayOptions } from '../overlay-options.ts';
import { ReadWriteLayers } from '../read-write-layers.ts';
import { WRITER_VERSION } from './image.ts';
import { LayerIndexes } from './layer-indexes.ts';
import { LayerMounts } from './layer-mounts.ts';

const MS_PRIVATE = 1 << 18;
const MOUNT_ATTR_RDONLY = 0x1;

export interface ErofsDriverOptions {
  /** `<data-root>/graph`: indexes, writable layers, work in progress. Made if it is not there. */
  root: string;
  /** `<exec-root>/layers`: where layers are mounted. */
  layersRoot: string;
  launcher: Pick<Launcher, 'mount' | 'bind' | 'unmount'>;
  /** The path of a layer's tar in the content store. */
  contentPath(diffId: string): string;
  /** False when the store cannot be trusted: unfinished work of an earlier engine stays. */
  sweep?: boolean;
}

/** Docker's names for what statfs(2) calls by number (linux/magic.h). */
const filesystems: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  4076150800: 'f2fs',
};

type Mode = 'read-write' | 'read-only';

/**
 * The driver that leaves a layer as its tar and mounts it through an EROFS index. Finds again what an earlier engine
 * left mounted. Throws system errors of making its folders and EngineErrors of the launcher.
 */
export async function createErofsDriver(options: ErofsDriverOptions): Promise<GraphDriver> {
  await mkdir(options.root, { recursive: true, mode: 0o710 });
  await mkdir(options.layersRoot, { recursive: true, mode: 0o700 });
  const [root, layersRoot] = await Promise.all([realpath(options.root), realpath(options.layersRoot)]);
  const mounts = await readMountInfo();
  for (const path of [root, layersRoot]) await makePrivate(path, mounts, options.launcher);
  const driver = new ErofsDriver(root, layersRoot, options);
  await driver.open(mounts, options.sweep ?? true);
  return driver;
}

/** Mounts made below `path` must not appear in other mount namespaces, where they would be kept busy. */
async function makePrivate(
  path: string,
  mounts: readonly MountInfo[],
  launcher: Pick<Launcher, 'bind'>,
): Promise<void> {
  if (mounts.some((mount) => mount.mountPoint === path && mount.propagation.length === 0)) return;
  await launcher.bind({ source: path, target: path, propagation: MS_PRIVATE });
}

async function filesystemOf(path: string): Promise<string> {
  const { type } = await statfs(path);
  return filesystems[type] ?? `0x${type.toString(16)}`;
}

class ErofsDriver implements GraphDriver {
  readonly name = 'erofs';
  readonly #root: string;
  readonly #layersRoot: string;
  readonly #launcher: ErofsDriverOptions['launcher'];
  readonly #indexes: LayerIndexes;
  readonly #layers: LayerMounts;
  readonly #readWrite: ReadWriteLayers;
  readonly #mounted = new Map<string, Mode>();
  readonly #locks = new KeyedMutex();

  constructor(root: string, layersRoot: string, { launcher, contentPath }: ErofsDriverOptions) {
    const temporary = join(root, '_tmp');
    this.#root = root;
    this.#layersRoot = layersRoot;
    this.#launcher = launcher;
    this.#indexes = new LayerIndexes(root, temporary, contentPath);
    this.#layers = new LayerMounts(layersRoot, launcher, (diffId) => this.#indexes.filesOf(diffId));
    this.#readWrite = new ReadWriteLayers(join(root, 'containers'), temporary);
  }

  async open(mounts: readonly MountInfo[], sweep: boolean): Promise<void> {
    await Promise.all([
      this.#indexes.open(),
      this.#readWrite.open({ sweep }),
      mkdir(this.#emptyLayer, { recursive: true }),
    ]);
    this.#layers.adopt(mounts);
    const targets = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
    for (const id of await this.#readWrite.list()) {
      const mount = targets.get(this.#readWrite.pathsOf(id).merged);
      if (!mount) continue;
      this.#mounted.set(id, mount.options.includes('ro') ? 'read-only' : 'read-write');
      this.#layers.claim(id, await this.#readWrite.chainOf(id));
    }
  }

  async status(): Promise<[string, string][]> {
    return [
      ['Backing Filesystem', await filesystemOf(this.#root)],
      ['Supports d_type', 'true'],
      ['Index Version', String(WRITER_VERSION)],
      ['Mounted Layers', String(this.#layers.count)],
    ];
  }

  applyDiff: GraphDriver['applyDiff'] = (layer) => this.#indexes.apply(layer);

  exists: GraphDriver['exists'] = (diffId) => this.#indexes.exists(diffId);

  removeLayer(diffId: string): Promise<void> {
    return this.#layers.unmount(diffId, () => this.#indexes.remove(diffId));
  }

  createReadWrite: GraphDriver['createReadWrite'] = (id, chain) => this.#readWrite.create(id, chain);

  get(id: string, { readOnly = false }: GetOptions = {}): Promise<Rootfs> {
    return this.#locks.run(id, async () => {
      const chain = await this.#readWrite.chainOf(id);
      this.#layers.claim(id, chain);
      try {
        const lowerDirs = await Promise.all(chain.toReversed().map((diffId) => this.#layers.mount(diffId)));
        return await this.#mount(id, lowerDirs.length > 0 ? lowerDirs : [this.#emptyLayer], readOnly);
      } catch (error) {
        if (!this.#mounted.has(id)) this.#layers.release(id);
        throw error;
      }
    });
  }

  put(id: string): Promise<void> {
    return this.#locks.run(id, () => this.#unmount(id));
  }

  remove(id: string): Promise<void> {
    return this.#locks.run(id, async () => {
      await this.#unmount(id);
      await this.#readWrite.remove(id);
    });
  }

  describe(id: string, chain: readonly string[]): Record<string, string> {
    const { upper, work, merged } = this.#readWrite.pathsOf(id);
    const lower = chain.toReversed().map((diffId) => this.#layers.pathOf(diffId));
    return { LowerDir: lower.join(':'), MergedDir: merged, UpperDir: upper, WorkDir: work };
  }

  listReadWrite: GraphDriver['listReadWrite'] = () => this.#readWrite.list();

  async cleanup(): Promise<void> {
    await this.#readWrite.settled();
    await this.#layers.unmountUnused();
    if (this.#layers.count === 0) await this.#launcher.unmount(this.#layersRoot);
    if (this.#mounted.size === 0) await this.#launcher.unmount(this.#root);
  }

  /** A directory for containers of images without layers: overlayfs wants at least one lower directory. */
  get #emptyLayer(): string {
    return join(this.#root, 'empty');
  }

  async #mount(id: string, lowerDirs: string[], readOnly: boolean): Promise<Rootfs> {
    const { upper, work, merged } = this.#readWrite.pathsOf(id);
    const rootfs: Rootfs = { path: merged, upperDir: upper, workDir: work, lowerDirs };
    const mode = this.#mounted.get(id);
    if (mode === 'read-write' || (mode === 'read-only' && readOnly)) return rootfs;
    if (mode) await this.#launcher.unmount(merged);
    this.#mounted.delete(id);
    await this.#launcher.mount({
      fstype: 'overlay',
      options: readOnly ? overlayOptions([upper, ...lowerDirs]) : overlayOptions(lowerDirs, { upper, work }),
      attributes: readOnly ? MOUNT_ATTR_RDONLY : 0,
      target: merged,
    });
    this.#mounted.set(id, readOnly ? 'read-only' : 'read-write');
    return rootfs;
  }

  async #unmount(id: string): Promise<void> {
    if (this.#mounted.has(id)) await this.#launcher.unmount(this.#readWrite.pathsOf(id).merged);
    this.#mounted.delete(id);
    this.#layers.release(id);
  }
}
