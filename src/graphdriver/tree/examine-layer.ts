import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Layer, LayerStat } from '../driver.ts';
import { describeTree } from './describe-tree.ts';
import { NodeStore } from './node-store.ts';
import { readLayer } from './read-layer.ts';
import { surveyTree } from './survey.ts';

/** What a layer's tar holds. A worker's job. Throws `invalid` for one that cannot be written out. */
export function run({ tarPath, size }: Pick<Layer, 'tarPath' | 'size'>): LayerStat {
  using store = new NodeStore(dirname(tarPath));
  const tar = openSync(tarPath, 'r');
  try {
    const root = readLayer(store, tar, size);
    const stat = surveyTree(store, root);
    const description = describeTree(store, root, { forOverlay: false, sourceOf: () => 0 });
    while (!description.next().done);
    return stat;
  } finally {
    closeSync(tar);
  }
}
