import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilesystemChange } from '#api/types/container.ts';
import { KeyedMutex } from '#lib/locks.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';
import { listChanges, measureTree, packChanges } from '#programs/tree.ts';
import { backingFilesystem } from './backing-filesystem.ts';
import type { GetOptions, GraphDriver, Rootfs } from './driver.ts';
import { initLayerOf } from './init-layer.ts';
import type { LayerStore } from './layer-store.ts';
import { LayerUsers } from './layer-users.ts';
import { overlayOptions } from './overlay-options.ts';
import { ReadWriteLayers } from './read-write-layers.ts';

const MOUNT_ATTR_RDONLY = 0x1;

export interface OverlayDriverParts {
  name: string;
  /** `<data-root>/graph`, a private mount: writable layers, work in progress. */
  root: string;
  launcher: Pick<Launcher, 'mount' | 'unmount' | 'run'>;
  layers: LayerStore;
}

type Mode = 'read-write' | 'read-only';

/** The drivers over overlayfs: a container's root is an upper directory of its own over the layers of its image. */
export class OverlayDriver implements GraphDriver {
  readonly name: string;
  readonly #root: string;
  readonly #launcher: OverlayDriverParts['launcher'];
  readonly #layers: LayerStore;
  readonly #users = new LayerUsers();
  readonly #readWrite: ReadWriteLayers;
  readonly #mounted = new Map<string, Mode>();
  readonly #locks = new KeyedMutex();

  constructor({ name, root, launcher, layers }: OverlayDriverParts) {
    this.name = name;
    this.#root = root;
    this.#launcher = launcher;
    this.#layers = layers;
    this.#readWrite = new ReadWriteLayers(join(root, 'containers'), join(root, '_tmp'));
  }

  /** Finds again what an earlier engine left mounted. Without `sweep`, unfinished work of that engine stays. */
  async open(mounts: readonly MountInfo[], { sweep }: { sweep: boolean }): Promise<void> {
    await Promise.all([this.#readWrite.open({ sweep }), mkdir(this.#initLayer, { recursive: true })]);
    const targets = new Map(mounts.map((mount) => [mount.mountPoint, mount]));
    for (const id of await this.#readWrite.list()) {
      const mount = targets.get(this.#readWrite.pathsOf(id).merged);
      if (!mount) continue;
      this.#mounted.set(id, mount.options.includes('ro') ? 'read-only' : 'read-write');
      this.#users.claim(id, await this.#readWrite.chainOf(id));
    }
  }

  async status(): Promise<[string, string][]> {
    return [
      ['Backing Filesystem', await backingFilesystem(this.#root)],
      ['Supports d_type', 'true'],
      ...this.#layers.status(),
    ];
  }

  applyDiff: GraphDriver['applyDiff'] = (layer) => this.#layers.apply(layer);

  exists: GraphDriver['exists'] = (diffId) => this.#layers.exists(diffId);

  layerSize: GraphDriver['layerSize'] = (diffId) => this.#layers.size(diffId);

  async removeLayer(diffId: string): Promise<void> {
    this.#users.refuseIfUsed(diffId);
    await this.#layers.remove(diffId);
  }

  createReadWrite: GraphDriver['createReadWrite'] = (id, chain) => this.#readWrite.create(id, chain);

  get(id: string, { readOnly = false }: GetOptions = {}): Promise<Rootfs> {
    return this.#locks.run(id, async () => {
      try {
        return await this.#mount(id, await this.#claimLayers(id), readOnly);
      } finally {
        if (!this.#mounted.has(id)) this.#users.release(id);
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

  changes(id: string): Promise<FilesystemChange[]> {
    return this.#locks.run(id, async () => {
      try {
        return await listChanges(this.#readWrite.pathsOf(id).upper, await this.#claimLayers(id));
      } finally {
        if (!this.#mounted.has(id)) this.#users.release(id);
      }
    });
  }

  diff(id: string, to: number): Promise<void> {
    return this.#locks.run(id, async () => {
      await this.#readWrite.chainOf(id);
      await packChanges(this.#readWrite.pathsOf(id).upper, to);
    });
  }

  async diffSize(id: string): Promise<number> {
    await this.#readWrite.chainOf(id);
    return measureTree(this.#launcher, this.#readWrite.pathsOf(id).upper);
  }

  describe(id: string, chain: readonly string[]): Record<string, string> {
    const { upper, work, merged } = this.#readWrite.pathsOf(id);
    const lower = [...chain.toReversed().map((diffId) => this.#layers.pathOf(diffId)), this.#initLayer];
    return { LowerDir: lower.join(':'), MergedDir: merged, UpperDir: upper, WorkDir: work };
  }

  listReadWrite: GraphDriver['listReadWrite'] = () => this.#readWrite.list();

  async cleanup(): Promise<void> {
    await this.#readWrite.settled();
    await this.#layers.unmountUnused((diffId) => this.#users.has(diffId));
    if (this.#mounted.size === 0) await this.#launcher.unmount(this.#root);
  }

  /** Below all layers of every container; see `setUpInitLayer`. */
  get #initLayer(): string {
    return initLayerOf(this.#root);
  }

  /** The directories below `id`, top first; they stay until its layers are released. */
  async #claimLayers(id: string): Promise<string[]> {
    const chain = await this.#readWrite.chainOf(id);
    this.#users.claim(id, chain);
    const layers = await Promise.all(chain.toReversed().map((diffId) => this.#layers.mount(diffId)));
    return [...layers, this.#initLayer];
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
    this.#users.release(id);
  }
}
