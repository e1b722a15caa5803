import { closeSync, fstatSync, openSync } from 'node:fs';
import { type DirectoryNode, isRegular, type LayerNode } from '../tree/layer-node.ts';
import { readLayer } from '../tree/read-layer.ts';
import { readInitLayer } from './init-tree.ts';
import { mergeTree } from './merge-trees.ts';

/** What a chain of layers shows, and in which of the tars the content of each file lies. */
export interface ChainTree {
  root: DirectoryNode;
  tarOf: ReadonlyMap<LayerNode, number>;
}

/** Reads the tars of a chain, bottom first, over what the folder `init` holds. Synchronous: for workers. */
export function readChain(init: string, tars: readonly string[]): ChainTree {
  const root = readInitLayer(init);
  const tarOf = new Map<LayerNode, number>();
  for (const [number, path] of tars.entries()) {
    const layer = readTar(path);
    noteContent(layer, number, tarOf);
    mergeTree(root, layer);
  }
  return { root, tarOf };
}

function readTar(path: string): DirectoryNode {
  const tar = openSync(path, 'r');
  try {
    return readLayer(tar, fstatSync(tar).size);
  } finally {
    closeSync(tar);
  }
}

function noteContent(root: DirectoryNode, number: number, tarOf: Map<LayerNode, number>): void {
  const directories = [root];
  for (let directory = directories.pop(); directory; directory = directories.pop()) {
    for (const node of directory.children.values()) {
      if (isRegular(node)) tarOf.set(node, number);
      else if (node.children) directories.push(node as DirectoryNode);
    }
  }
}
