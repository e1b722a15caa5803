import { join } from 'node:path';
import type { Launcher } from '#linux/launcher-types.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import type { GraphDriver } from '../driver.ts';
import type { LayerStore } from '../layer-store.ts';
import { OverlayDriver } from '../overlay-driver.ts';
import { makePrivateFolder } from '../private-mount.ts';
import { WRITER_VERSION } from './image.ts';
import { LayerIndexes } from './layer-indexes.ts';
import { LayerMounts } from './layer-mounts.ts';

export interface ErofsDriverOptions {
  /** `<data-root>/graph`: indexes, writable layers, work in progress. Made if it is not there. */
  root: string;
  /** `<exec-root>/layers`: where layers are mounted. */
  layersRoot: string;
  launcher: Pick<Launcher, 'mount' | 'bind' | 'unmount' | 'run'>;
  /** The path of a layer's tar in the content store. */
  contentPath(diffId: string): string;
  /** False when the store cannot be trusted: unfinished work of an earlier engine stays. */
  sweep?: boolean;
}

/**
 * The driver that leaves a layer as its tar and mounts it through an EROFS index. Finds again what an earlier engine
 * left mounted. Throws system errors of making its folders and EngineErrors of the launcher.
 */
export async function createErofsDriver(options: ErofsDriverOptions): Promise<GraphDriver> {
  const { launcher, contentPath, sweep = true } = options;
  const mounts = await readMountInfo();
  const root = await makePrivateFolder(options.root, 0o710, mounts, launcher);
  const layersRoot = await makePrivateFolder(options.layersRoot, 0o700, mounts, launcher);
  const indexes = new LayerIndexes(root, join(root, '_tmp'), contentPath);
  const layers = new LayerMounts(layersRoot, launcher, (diffId) => indexes.filesOf(diffId));
  await indexes.open();
  layers.adopt(mounts);
  const driver = new OverlayDriver({ name: 'erofs', root, launcher, layers: mountedIndexes(indexes, layers) });
  await driver.open(mounts, { sweep });
  return driver;
}

function mountedIndexes(indexes: LayerIndexes, mounts: LayerMounts): LayerStore {
  return {
    apply: (layer) => indexes.apply(layer),
    exists: (diffId) => indexes.exists(diffId),
    size: (diffId) => indexes.size(diffId),
    mount: (diffId) => mounts.mount(diffId),
    pathOf: (diffId) => mounts.pathOf(diffId),
    remove: (diffId) => mounts.unmount(diffId, () => indexes.remove(diffId)),
    status: () => [
      ['Index Version', String(WRITER_VERSION)],
      ['Mounted Layers', String(mounts.count)],
    ],
    unmountUnused: (isUsed) => mounts.unmountUnused(isUsed),
  };
}
