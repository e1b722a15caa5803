import { dirname } from 'node:path';
import type { LayerPreparer } from '../driver.ts';
import { NodeStore } from '../tree/node-store.ts';
import { TreeReader } from '../tree/tree-reader.ts';
import { writeLayer } from './write-layer.ts';

/** Extracts a layer to the folder `path` as soon as its tar is written: the same as `extract-layer.ts` makes of the tar. */
export function prepare(path: string): LayerPreparer {
  const store = new NodeStore(dirname(path));
  const reader = new TreeReader(store);
  return {
    push: (bytes) => reader.push(bytes),
    end: (_diffId, tar) => writeLayer(store, reader.end(), path, `/proc/${process.pid}/fd/${tar}`),
    close: () => store.close(),
  };
}
