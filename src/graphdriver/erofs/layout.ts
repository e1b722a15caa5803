import { type DirectoryNode, isDirectory, isRegular, isSymlink, type LayerNode } from '../tree/layer-node.ts';
import { refuseNode } from '../tree/refuse-node.ts';
import { type ChunkMap, ChunkPlanner, type Copy } from './chunks.ts';
import { type DirectoryPlan, entryOf, planDirectory } from './directory.ts';
import { BLOCK, CHUNK_INDEX_SIZE, EXTENDED_INODE_SIZE, INODE_SLOT, INODES_OFFSET } from './format.ts';
import { encodeXattrs } from './xattrs.ts';

/**
 * Where everything goes. What each node has lies in arrays, at the node's `number`; what few have, in maps: a layer may have
 * millions of nodes.
 */
export interface Layout {
  /** In the order of their offsets, the root first. */
  nodes: LayerNode[];
  links: Uint32Array;
  /** Where the inodes are: byte offsets in the index, divided by INODE_SLOT. */
  nids: Uint32Array;
  /** First blocks of contents that lie in blocks of their own. */
  startBlocks: Uint32Array;
  directories: Map<LayerNode, DirectoryPlan>;
  /** As they follow the inode. */
  xattrs: Map<LayerNode, Buffer>;
  /** Of files that do not lie in the tar as a whole. */
  chunkMaps: Map<LayerNode, ChunkMap>;
  /** Blocks of inodes, directories and symlinks; the copies come after them. */
  metadataBlocks: number;
  copies: Copy[];
  copiedBlocks: number;
  /** Bytes of regular files, each counted once. */
  contentSize: number;
}

export function nidOf(node: LayerNode, { nids }: Layout): number {
  return nids[node.number]!;
}

/** Bytes of a node's content: file, directory or symlink target. */
export function contentSize(node: LayerNode, { directories }: Pick<Layout, 'directories'>): number {
  if (isDirectory(node)) return directories.get(node)!.size;
  return isSymlink(node) ? node.target.length : node.size;
}

/** How much of a node's content directly follows the inode. */
export function inlineSize(node: LayerNode, layout: Pick<Layout, 'directories' | 'xattrs'>): number {
  if (isRegular(node)) return 0;
  const tail = contentSize(node, layout) % BLOCK;
  return headSize(node, layout) + tail <= BLOCK ? tail : 0;
}

/** Bytes of the inode proper and its extended attributes. */
export function headSize(node: LayerNode, { xattrs }: Pick<Layout, 'xattrs'>): number {
  return EXTENDED_INODE_SIZE + (xattrs.get(node)?.length ?? 0);
}

/** How many chunk indexes a node has: none but a regular file with content. */
export function chunkCount(node: LayerNode, { chunkMaps }: Pick<Layout, 'chunkMaps'>): number {
  return isRegular(node) && node.size > 0 ? (chunkMaps.get(node)?.chunks.length ?? 1) : 0;
}

/** Where the chunk indexes of a node begin whose inode is at `offset`. */
export function chunkIndexOffset(node: LayerNode, offset: number, layout: Pick<Layout, 'xattrs'>): number {
  return alignUp(offset + headSize(node, layout), CHUNK_INDEX_SIZE);
}

/**
 * Decides where everything goes. Inodes are laid out breadth first, so that the inodes of one directory lie together.
 * Throws `invalid` for what the format cannot hold.
 */
export function layOut(root: DirectoryNode, tarSize: number): Layout {
  const chunks = new ChunkPlanner(tarSize);
  const collected = collect(root, chunks);
  const { nids, end } = placeInodes(collected);
  const { startBlocks, metadataBlocks } = placeBlocks(collected, Math.ceil(end / BLOCK));
  let contentSize = 0;
  for (const { size } of collected.nodes) contentSize += size;
  const { copies, copiedBlocks } = chunks;
  return { ...collected, nids, startBlocks, metadataBlocks, copies, copiedBlocks, contentSize };
}

type Collected = Pick<Layout, 'nodes' | 'links' | 'directories' | 'xattrs' | 'chunkMaps'>;

/** Numbers the nodes. Links are counted as names are met, a directory's `.` and `..` as any other; the root has no name but these. */
function collect(root: DirectoryNode, chunks: ChunkPlanner): Collected {
  const names = countNames(root);
  const collected: Collected = {
    nodes: new Array(names),
    links: new Uint32Array(names),
    directories: new Map(),
    xattrs: new Map(),
    chunkMaps: new Map(),
  };
  const { nodes, links, directories } = collected;
  let count = 0;
  const enter = (node: LayerNode, name: string, parent: DirectoryNode) => {
    nodes[count] = node;
    node.number = count++;
    if (node !== root) links[node.number] = 1;
    describeNode(node, name, parent, collected, chunks);
  };
  enter(root, '/', root);
  for (let number = 0; number < count; number++) {
    const node = nodes[number]!;
    if (!isDirectory(node)) continue;
    const plan = directories.get(node)!;
    for (const name of plan.names) {
      const child = entryOf(plan, name);
      if (nodes[child.number] === child) links[child.number]!++;
      else enter(child, name, node);
    }
  }
  nodes.length = count;
  return collected;
}

/** There are no more nodes than names. */
function countNames(root: DirectoryNode): number {
  const directories = [root];
  let count = 1;
  for (const { children } of directories) {
    count += children.size;
    for (const child of children.values()) if (isDirectory(child)) directories.push(child);
  }
  return count;
}

function describeNode(
  node: LayerNode,
  name: string,
  parent: DirectoryNode,
  { directories, xattrs, chunkMaps }: Collected,
  chunks: ChunkPlanner,
): void {
  const refuse = refuseNode(node, name);
  const attributes = encodeXattrs(node, refuse);
  if (attributes) xattrs.set(node, attributes);
  if (isDirectory(node)) directories.set(node, planDirectory(node, parent));
  else if (isRegular(node) && node.size > 0) {
    const map = chunks.plan(node, refuse);
    if (map) chunkMaps.set(node, map);
  }
}

/** Gives each inode its offset, and the end of the last. No inode and no inline content crosses a block. */
function placeInodes(collected: Collected): { nids: Uint32Array; end: number } {
  const { nodes } = collected;
  const nids = new Uint32Array(nodes.length);
  let end = INODES_OFFSET;
  for (const node of nodes) {
    let offset = alignUp(end, INODE_SLOT);
    const inline = inlineSize(node, collected);
    const together = inline > 0 ? headSize(node, collected) + inline : EXTENDED_INODE_SIZE;
    if ((offset % BLOCK) + together > BLOCK) offset = alignUp(offset, BLOCK);
    nids[node.number] = offset / INODE_SLOT;
    end = offset + headSize(node, collected) + inline;
    const chunks = chunkCount(node, collected);
    if (chunks > 0) end = chunkIndexOffset(node, offset, collected) + chunks * CHUNK_INDEX_SIZE;
  }
  return { nids, end };
}

/** Gives the content that is not inline its blocks from `first` on, and the block after the last. */
function placeBlocks(collected: Collected, first: number): { startBlocks: Uint32Array; metadataBlocks: number } {
  const { nodes } = collected;
  const startBlocks = new Uint32Array(nodes.length);
  let block = first;
  for (const node of nodes) {
    if (isRegular(node)) continue;
    const rest = contentSize(node, collected) - inlineSize(node, collected);
    if (rest === 0) continue;
    startBlocks[node.number] = block;
    block += Math.ceil(rest / BLOCK);
  }
  return { startBlocks, metadataBlocks: block };
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
