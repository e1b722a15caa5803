import { fstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LayerPreparer } from '../driver.ts';
import { NodeStore } from '../tree/node-store.ts';
import { TreeReader } from '../tree/tree-reader.ts';
import { indexOf, writeIndex } from './index-layer.ts';

/** Makes an index at `path` while the tar is written: the same as `index-layer.ts` makes of the whole tar. */
export function prepare(path: string): LayerPreparer {
  const store = new NodeStore(dirname(path));
  const reader = new TreeReader(store);
  return {
    push: (bytes) => reader.push(bytes),
    end: (diffId, tar) => {
      const index = indexOf(store, reader.end(), { diffId, tarSize: fstatSync(tar).size });
      writeIndex(path, index, tar);
      return index.layer;
    },
    close: () => store.close(),
  };
}
