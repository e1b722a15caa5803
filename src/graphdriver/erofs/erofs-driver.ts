import type { GraphDriver } from '../driver.ts';
import type { LayerStore } from '../layer-store.ts';
import { OverlayDriver } from '../overlay-driver.ts';
import type { DriverParts } from '../parts.ts';
import { makePrivateFolder } from '../private-mount.ts';
import { WRITER_VERSION } from './image.ts';
import { LayerIndexes } from './layer-indexes.ts';
import { LayerMounts } from './layer-mounts.ts';

/** The driver that leaves a layer as its tar and mounts it through an EROFS index. */
export async function createErofsDriver(parts: DriverParts): Promise<GraphDriver> {
  const { root, temporary, launcher, contentPath, mounts, sweep } = parts;
  const layersRoot = await makePrivateFolder(parts.layersRoot, 0o700, mounts, launcher);
  const indexes = new LayerIndexes(root, temporary, contentPath);
  const layers = new LayerMounts(layersRoot, launcher, (diffId) => indexes.filesOf(diffId));
  await indexes.open({ sweep });
  layers.adopt(mounts);
  const driver = new OverlayDriver({
    name: 'erofs',
    root,
    temporary,
    launcher,
    layers: mountedIndexes(indexes, layers),
  });
  await driver.open(mounts);
  return driver;
}

function mountedIndexes(indexes: LayerIndexes, mounts: LayerMounts): LayerStore {
  return {
    preparer: new URL('./prepare-index.ts', import.meta.url),
    apply: (layer) => indexes.apply(layer),
    verify: (layer, signal) => indexes.verify(layer, signal),
    rebuild: async (layer, isUsed) => {
      const stat = await indexes.apply(layer, { anew: true });
      if (!isUsed) await mounts.unmount(layer.diffId);
      return stat;
    },
    list: () => indexes.list(),
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
