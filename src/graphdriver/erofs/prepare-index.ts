import { fstatSync } from 'node:fs';
import { TarParser } from '#archive/tar-parser.ts';
import type { LayerPreparer } from '../driver.ts';
import { LayerTree } from '../tree/layer-tree.ts';
import { indexOf, writeIndex } from './index-layer.ts';

/** Makes an index at `path` while the tar is written: the same as `index-layer.ts` makes of the whole tar. */
export function prepare(path: string): LayerPreparer {
  const tree = new LayerTree();
  const parser = new TarParser({ entry: (entry) => tree.add(entry) });
  return {
    push: (bytes) => parser.push(bytes),
    end: (diffId, tar) => {
      parser.end();
      tree.end();
      const index = indexOf(tree.root, { diffId, tarSize: fstatSync(tar).size });
      writeIndex(path, index, tar);
      return index.layer;
    },
  };
}
