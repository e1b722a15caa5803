import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type DirectoryNode, isSymlink, type LayerNode, makeDirectory, makeNode } from '../tree/layer-node.ts';

/** The init layer as a tree: directories, links and empty files. Synchronous: for workers. */
export function readInitLayer(folder: string): DirectoryNode {
  const root = makeDirectory();
  for (const name of readdirSync(folder)) root.children.set(name, readNode(join(folder, name)));
  return root;
}

function readNode(path: string): LayerNode {
  const stats = lstatSync(path, { bigint: true });
  if (stats.isDirectory()) return described(readInitLayer(path), stats);
  const node = described(makeNode(0), stats);
  if (isSymlink(node)) node.target = readlinkSync(path, 'latin1');
  return node;
}

function described<T extends LayerNode>(node: T, { mode, mtimeNs }: { mode: bigint; mtimeNs: bigint }): T {
  const mtime = { mtime: Number(mtimeNs / 1_000_000_000n), mtimeNs: Number(mtimeNs % 1_000_000_000n) };
  return Object.assign(node, { mode: Number(mode), ...mtime });
}
