import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilesystemChange } from '#api/types/container.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { MountInfo } from '#linux/mountinfo.ts';
import { listChanges, measureTree, packChanges } from '#programs/tree.ts';
import { backingFilesystem } from './backing-filesystem.ts';
import { ContainerRoots } from './container-roots.ts';
import type { DriverName, GetOptions, GraphDriver, Preparation, Rootfs } from './driver.ts';
import { initLayerOf } from './init-layer.ts';
import type { LayerStore } from './layer-store.ts';
import { overlayOptions } from './overlay-options.ts';
import { ReadWriteLayers, type ReadWritePaths } from './read-write-layers.ts';
import type { Temporary } from './temporary.ts';

const MOUNT_ATTR_RDONLY = 0x1;

export interface OverlayDriverParts {
  name: DriverName;
  /** `<data-root>/graph`, a private mount: writable layers, work in progress. */
  root: string;
  temporary: Temporary;
  launcher: Pick<Launcher, 'mount' | 'unmount' | 'run'>;
  layers: LayerStore;
}

/** The drivers over overlayfs: a container's root is an upper directory of its own over the layers of its image. */
export class OverlayDriver implements GraphDriver {
  readonly name: DriverName;
  readonly #root: string;
  readonly #launcher: OverlayDriverParts['launcher'];
  readonly #layers: LayerStore;
  readonly #temporary: Temporary;
  readonly #readWrite: ReadWriteLayers;
  readonly #roots: ContainerRoots;

  constructor({ name, root, temporary, launcher, layers }: OverlayDriverParts) {
    this.name = name;
    this.#root = root;
    this.#temporary = temporary;
    this.#launcher = launcher;
    this.#layers = layers;
    this.#readWrite = new ReadWriteLayers(join(root, 'containers'), temporary, { kind: 'upper', fill: makeUpper });
    this.#roots = new ContainerRoots({
      launcher,
      readWrite: this.#readWrite,
      mount: (paths, chain, readOnly) => this.#mount(paths, chain, readOnly),
    });
  }

  /** Finds again what an earlier engine left mounted. */
  async open(mounts: readonly MountInfo[]): Promise<void> {
    await Promise.all([this.#readWrite.open(), mkdir(this.#initLayer, { recursive: true })]);
    await this.#roots.adopt(mounts);
  }

  async status(): Promise<[string, string][]> {
    return [
      ['Backing Filesystem', await backingFilesystem(this.#root)],
      ['Supports d_type', 'true'],
      ...this.#layers.status(),
    ];
  }

  applyDiff: GraphDriver['applyDiff'] = (layer) => this.#layers.apply(layer);

  async beginPreparing(): Promise<Preparation | undefined> {
    const { preparer } = this.#layers;
    if (!preparer) return undefined;
    const folder = this.#temporary.path('layers');
    await mkdir(folder, { mode: 0o700 });
    return { module: preparer.href, folder };
  }

  endPreparing: GraphDriver['endPreparing'] = ({ folder }) => this.#temporary.discard(folder);

  exists: GraphDriver['exists'] = (diffId) => this.#layers.exists(diffId);

  verifyLayer: GraphDriver['verifyLayer'] = (layer, signal) => this.#layers.verify(layer, signal);

  rebuildLayer: GraphDriver['rebuildLayer'] = (layer) => this.#layers.rebuild(layer, this.#roots.uses(layer.diffId));

  listLayers: GraphDriver['listLayers'] = () => this.#layers.list();

  layerSize: GraphDriver['layerSize'] = (diffId) => this.#layers.size(diffId);

  async removeLayer(diffId: string): Promise<void> {
    this.#roots.refuseIfUsed(diffId);
    await this.#layers.remove(diffId);
  }

  createReadWrite: GraphDriver['createReadWrite'] = (id, chain) => this.#readWrite.create(id, chain);

  async get(id: string, { readOnly = false }: GetOptions = {}): Promise<Rootfs> {
    return { path: await this.#roots.get(id, readOnly) };
  }

  put: GraphDriver['put'] = (id) => this.#roots.put(id);

  remove: GraphDriver['remove'] = (id) => this.#roots.remove(id);

  changes(id: string): Promise<FilesystemChange[]> {
    return this.#roots.use(id, async ({ upper }, chain) => listChanges(upper, await this.#lowerDirs(chain)));
  }

  diff(id: string, to: number): Promise<void> {
    return this.#roots.use(id, ({ upper }) => packChanges(upper, to));
  }

  async diffSize(id: string): Promise<number> {
    await this.#readWrite.refuseOtherKind(id);
    return measureTree(this.#launcher, this.#readWrite.pathsOf(id).upper);
  }

  describe(id: string, chain: readonly string[]): Record<string, string> {
    const { upper, work, merged } = this.#readWrite.pathsOf(id);
    const lower = [...stackOf(chain).map((diffId) => this.#layers.pathOf(diffId)), this.#initLayer];
    return { LowerDir: lower.join(':'), MergedDir: merged, UpperDir: upper, WorkDir: work };
  }

  chainOf: GraphDriver['chainOf'] = (id) => this.#readWrite.chainOf(id);

  listReadWrite: GraphDriver['listReadWrite'] = () => this.#readWrite.list();

  async cleanup(): Promise<void> {
    await this.#roots.close();
    await this.#temporary.settled();
    await this.#layers.unmountUnused((diffId) => this.#roots.uses(diffId));
    if (this.#roots.count === 0) await this.#launcher.unmount(this.#root);
  }

  /** Below all layers of every container; see `setUpInitLayer`. */
  get #initLayer(): string {
    return initLayerOf(this.#root);
  }

  /** The directories below a container, top first. */
  async #lowerDirs(chain: readonly string[]): Promise<string[]> {
    const layers = await Promise.all(stackOf(chain).map((diffId) => this.#layers.mount(diffId)));
    return [...layers, this.#initLayer];
  }

  async #mount({ upper, work, merged }: ReadWritePaths, chain: readonly string[], readOnly: boolean): Promise<void> {
    const lowerDirs = await this.#lowerDirs(chain);
    await this.#launcher.mount({
      fstype: 'overlay',
      options: readOnly ? overlayOptions([upper, ...lowerDirs]) : overlayOptions(lowerDirs, { upper, work }),
      attributes: readOnly ? MOUNT_ATTR_RDONLY : 0,
      target: merged,
    });
  }
}

/**
 * A chain's layers, top first, each once: overlayfs refuses a directory that it has already (ELOOP). Of a layer that comes
 * again only the highest place counts: below it there is nothing that it does not show or hide itself.
 */
function stackOf(chain: readonly string[]): string[] {
  return [...new Set(chain.toReversed())];
}

async function makeUpper({ upper, work }: ReadWritePaths): Promise<void> {
  await mkdir(upper, { mode: 0o755 });
  await mkdir(work, { mode: 0o700 });
}
