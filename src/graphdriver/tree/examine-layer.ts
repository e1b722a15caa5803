import { closeSync, openSync } from 'node:fs';
import type { Layer, LayerStat } from '../driver.ts';
import { describeTree } from './describe-tree.ts';
import { readLayer } from './read-layer.ts';
import { surveyTree } from './survey.ts';

/** What a layer's tar holds. A worker's job. Throws `invalid` for one that cannot be written out. */
export function run({ tarPath, size }: Pick<Layer, 'tarPath' | 'size'>): LayerStat {
  const tar = openSync(tarPath, 'r');
  try {
    const root = readLayer(tar, size);
    const { stat, linked } = surveyTree(root);
    const description = describeTree(root, { linked, forOverlay: false, sourceOf: () => 0 });
    while (!description.next().done);
    return stat;
  } finally {
    closeSync(tar);
  }
}
