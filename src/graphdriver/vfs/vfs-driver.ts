import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runInWorker } from '#lib/worker-pool.ts';
import { compareTrees, measureTree, packDifference } from '#programs/tree.ts';
import { ContainerRoots } from '../container-roots.ts';
import type { GraphDriver } from '../driver.ts';
import { initLayerOf } from '../init-layer.ts';
import type { DriverParts } from '../parts.ts';
import { type ReadWriteKind, ReadWriteLayers } from '../read-write-layers.ts';
import type { CopyJob } from './copy-chain.ts';
import { NotedLayers } from './noted-layers.ts';

const MOUNT_ATTR_RDONLY = 0x1;

const copyJob = new URL('./copy-chain.ts', import.meta.url);

/**
 * The driver that needs nothing of a file system but files: each container has a copy of all that its layers show.
 * Layers stay tars; a container's tree is written out from them in one go.
 */
export async function createVfsDriver(parts: DriverParts): Promise<GraphDriver> {
  const { root, temporary, launcher, contentPath, mounts } = parts;
  const init = initLayerOf(root);
  const layers = new NotedLayers({ folder: join(root, 'vfs'), temporary, contentPath });
  const copy = async (chain: readonly string[], folder: string, { empty }: { empty: boolean }) => {
    const tars = await Promise.all(chain.map((diffId) => layers.tarOf(diffId)));
    await runInWorker(copyJob, { init, tars, folder, empty } satisfies CopyJob);
  };
  const fill: ReadWriteKind['fill'] = ({ tree }, chain) => copy(chain, tree, { empty: false });
  const readWrite = new ReadWriteLayers(join(root, 'containers'), temporary, { kind: 'tree', fill });
  const roots = new ContainerRoots({
    launcher,
    readWrite,
    mount: ({ tree, merged }, _chain, readOnly) =>
      launcher.bind({ source: tree, target: merged, attributesSet: readOnly ? MOUNT_ATTR_RDONLY : 0 }),
  });
  /** Compares a container's tree with one like that with which it began. */
  const compare = <T>(id: string, work: (tree: string, before: string) => Promise<T>) =>
    roots.use(id, async ({ tree }, chain) => {
      const before = temporary.path(id);
      try {
        await copy(chain, before, { empty: true });
        return await work(tree, before);
      } finally {
        void temporary.discard(before);
      }
    });
  await Promise.all([layers.open(), readWrite.open(), mkdir(init, { recursive: true })]);
  await roots.adopt(mounts);
  return {
    name: 'vfs',
    status: async () => [],
    applyDiff: (layer) => layers.apply(layer),
    beginPreparing: async () => undefined,
    endPreparing: async () => {},
    verifyLayer: (layer, signal) => layers.verify(layer, signal),
    rebuildLayer: (layer) => layers.rebuild(layer),
    listLayers: () => layers.list(),
    exists: (diffId) => layers.exists(diffId),
    layerSize: (diffId) => layers.size(diffId),
    async removeLayer(diffId) {
      roots.refuseIfUsed(diffId);
      await layers.remove(diffId);
    },
    createReadWrite: (id, chain) => readWrite.create(id, chain),
    get: async (id, { readOnly = false } = {}) => ({ path: await roots.get(id, readOnly) }),
    put: (id) => roots.put(id),
    remove: (id) => roots.remove(id),
    changes: (id) => compare(id, compareTrees),
    diff: (id, to) => compare(id, (tree, before) => packDifference(tree, before, to)),
    diffSize: (id) => compare(id, (tree, before) => measureTree(launcher, tree, before)),
    describe: () => ({}),
    chainOf: (id) => readWrite.chainOf(id),
    listReadWrite: () => readWrite.list(),
    async cleanup() {
      await roots.close();
      await temporary.settled();
      if (roots.count === 0) await launcher.unmount(root);
    },
  };
}
