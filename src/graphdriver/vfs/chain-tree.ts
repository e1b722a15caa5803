import { closeSync, fstatSync, openSync } from 'node:fs';
import type { NodeId, NodeStore } from '../tree/node-store.ts';
import { readLayer } from '../tree/read-layer.ts';
import { readInitLayer } from './init-tree.ts';
import { mergeTree } from './merge-trees.ts';

/**
 * Reads the tars of a chain, bottom first, over what the folder `init` holds; gives the root of what they show together. A
 * file's `source` is the number of its tar. Synchronous: for workers.
 */
export function readChain(store: NodeStore, init: string, tars: readonly string[]): NodeId {
  const root = readInitLayer(store, init);
  for (const [number, path] of tars.entries()) mergeTree(store, root, readTar(store, path, number));
  return root;
}

function readTar(store: NodeStore, path: string, number: number): NodeId {
  const tar = openSync(path, 'r');
  try {
    return readLayer(store, tar, fstatSync(tar).size, number);
  } finally {
    closeSync(tar);
  }
}
