import { walkTarFile } from '#archive/tar-file.ts';
import type { DirectoryNode } from './layer-node.ts';
import { LayerTree } from './layer-tree.ts';

/** The tree of a layer's tar of `size` bytes. Synchronous: for workers. Throws `invalid`, and system errors of reading. */
export function readLayer(tar: number, size: number): DirectoryNode {
  const tree = new LayerTree();
  walkTarFile(tar, size, (entry) => tree.add(entry));
  tree.end();
  return tree.root;
}
