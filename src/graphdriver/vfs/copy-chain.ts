import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { extractTree } from '../tree/extract.ts';
import type { LayerNode } from '../tree/layer-node.ts';
import { NodeStore } from '../tree/node-store.ts';
import { surveyTree } from '../tree/survey.ts';
import { readChain } from './chain-tree.ts';

export interface CopyJob {
  /** The init layer's folder, which is below the chain. */
  init: string;
  /** The tars of the chain, bottom first. */
  tars: readonly string[];
  /** The directory to make. */
  folder: string;
  /** Leave the files' content out: they have their length, and zeros. */
  empty: boolean;
}

/** Writes out what a chain of layers shows; on the disk when it resolves. A worker's job. */
export async function run({ init, tars, folder, empty }: CopyJob): Promise<void> {
  using store = new NodeStore(dirname(folder));
  const root = readChain(store, init, tars);
  store.endNames();
  surveyTree(store, root);
  await mkdir(folder, { mode: 0o755 });
  const sourceOf = ({ source }: LayerNode) => (empty ? undefined : source);
  await extractTree(store, root, { folder, sources: tars, forOverlay: false, sourceOf });
}
