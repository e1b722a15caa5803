import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isSymlink, type LayerNode, makeDirectory, makeNode } from '../tree/layer-node.ts';
import type { NodeId, NodeStore } from '../tree/node-store.ts';

/** The init layer as a tree: directories, links and empty files. Synchronous: for workers. */
export function readInitLayer(store: NodeStore, folder: string, attributes: LayerNode = makeDirectory()): NodeId {
  const directory = store.add(attributes);
  for (const name of readdirSync(folder)) store.link(directory, name, readNode(store, join(folder, name)));
  return directory;
}

function readNode(store: NodeStore, path: string): NodeId {
  const stats = lstatSync(path, { bigint: true });
  if (stats.isDirectory()) return readInitLayer(store, path, described(makeDirectory(), stats));
  const node = described(makeNode(0), stats);
  if (isSymlink(node)) node.target = readlinkSync(path, 'latin1');
  return store.add(node);
}

function described(node: LayerNode, { mode, mtimeNs }: { mode: bigint; mtimeNs: bigint }): LayerNode {
  const mtime = { mtime: Number(mtimeNs / 1_000_000_000n), mtimeNs: Number(mtimeNs % 1_000_000_000n) };
  return { ...node, mode: Number(mode), ...mtime };
}
