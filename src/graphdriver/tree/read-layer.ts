import { walkTarFile } from '#archive/tar-file.ts';
import { LayerTree } from './layer-tree.ts';
import type { NodeId, NodeStore } from './node-store.ts';

/**
 * Reads the tree of a layer's tar of `size` bytes, the tar `source` of several, into the store; gives its root. Synchronous: for
 * workers. Throws `invalid`, and system errors of reading.
 */
export function readLayer(store: NodeStore, tar: number, size: number, source = 0): NodeId {
  const tree = new LayerTree(store, source);
  walkTarFile(tar, size, (entry) => tree.add(entry));
  tree.end();
  return tree.root;
}
