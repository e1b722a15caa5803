import { type DirectoryNode, isDirectory, isRegular, isSymlink, type LayerNode } from '../tree/layer-node.ts';
import { refuseNode } from '../tree/refuse-node.ts';
import { type ChunkMap, ChunkPlanner, type Copy } from './chunks.ts';
import { type DirectoryPlan, planDirectory } from './directory.ts';
import {
  BLOCK,
  CHUNK_INDEX_SIZE,
  EXTENDED_INODE_SIZE,
  INODE_SLOT,
  INODES_OFFSET,
  LAYOUT_CHUNK_BASED,
  LAYOUT_FLAT_INLINE,
  LAYOUT_FLAT_PLAIN,
} from './format.ts';
import { encodeXattrs } from './xattrs.ts';

/** A node with its place in the index. */
export interface Inode {
  node: LayerNode;
  links: number;
  xattrs: Buffer | undefined;
  layout: number;
  /** Bytes of content: file, directory or symlink target. */
  size: number;
  /** How much of it directly follows the inode. */
  inlineSize: number;
  directory: DirectoryPlan | undefined;
  chunks: ChunkMap | undefined;
  /** Byte offset of the inode in the index. */
  offset: number;
  /** First block of the content that lies in blocks of its own. */
  startBlock: number;
}

export interface Layout {
  /** In the order of their offsets, the root first. */
  inodes: Inode[];
  byNode: Map<LayerNode, Inode>;
  /** Blocks of inodes, directories and symlinks; the copies come after them. */
  metadataBlocks: number;
  copies: Copy[];
  copiedBlocks: number;
  /** Bytes of regular files, each counted once. */
  contentSize: number;
}

/** The index of a node: nids count slots of 32 bytes. */
export function nidOf(inode: Inode): number {
  return inode.offset / INODE_SLOT;
}

/**
 * Decides where everything goes. Inodes are laid out breadth first, so that the inodes of one directory lie together.
 * Throws `invalid` for what the format cannot hold.
 */
export function layOut(root: DirectoryNode, tarSize: number): Layout {
  const byNode = new Map<LayerNode, Inode>();
  const chunks = new ChunkPlanner(tarSize);
  const inodes = collect(root, byNode, chunks);
  const inodesEnd = placeInodes(inodes);
  const metadataBlocks = placeBlocks(inodes, Math.ceil(inodesEnd / BLOCK));
  let contentSize = 0;
  for (const { node } of inodes) contentSize += node.size;
  return { inodes, byNode, metadataBlocks, copies: chunks.copies, copiedBlocks: chunks.copiedBlocks, contentSize };
}

function collect(root: DirectoryNode, byNode: Map<LayerNode, Inode>, chunks: ChunkPlanner): Inode[] {
  const inodes: Inode[] = [];
  const parents = new Map<LayerNode, DirectoryNode>([[root, root]]);
  const enter = (node: LayerNode, name: string) => {
    const inode = describeInode(node, name, parents.get(node), chunks);
    byNode.set(node, inode);
    inodes.push(inode);
  };
  enter(root, '/');
  for (let index = 0; index < inodes.length; index++) {
    const { node, directory } = inodes[index]!;
    if (!directory) continue;
    for (let position = 0; position < directory.nodes.length; position++) {
      const child = directory.nodes[position]!;
      const known = byNode.get(child);
      if (known) known.links++;
      else {
        if (isDirectory(child)) parents.set(child, node as DirectoryNode);
        enter(child, directory.names[position]!);
      }
    }
  }
  return inodes;
}

/** Links are counted as names are met: an inode's first name counts here, a directory's `.` and `..` as any other. */
function describeInode(node: LayerNode, name: string, parent: DirectoryNode | undefined, chunks: ChunkPlanner): Inode {
  const refuse = refuseNode(node, name);
  const xattrs = encodeXattrs(node, refuse);
  const directory = isDirectory(node) ? planDirectory(node, parent!) : undefined;
  const inode: Inode = {
    node,
    links: parent === node ? 0 : 1,
    xattrs,
    layout: LAYOUT_FLAT_PLAIN,
    size: directory?.size ?? (isSymlink(node) ? node.target.length : node.size),
    inlineSize: 0,
    directory,
    chunks: undefined,
    offset: 0,
    startBlock: 0,
  };
  if (isRegular(node)) {
    if (node.size > 0) {
      inode.layout = LAYOUT_CHUNK_BASED;
      inode.chunks = chunks.plan(node, refuse);
    }
  } else {
    const tail = inode.size % BLOCK;
    if (tail > 0 && headSize(inode) + tail <= BLOCK) {
      inode.layout = LAYOUT_FLAT_INLINE;
      inode.inlineSize = tail;
    }
  }
  return inode;
}

/** Bytes of the inode proper and its extended attributes. */
export function headSize(inode: Inode): number {
  return EXTENDED_INODE_SIZE + (inode.xattrs?.length ?? 0);
}

/** Gives each inode its offset; gives the end of the last. No inode and no inline content crosses a block. */
function placeInodes(inodes: readonly Inode[]): number {
  let end = INODES_OFFSET;
  for (const inode of inodes) {
    let offset = alignUp(end, INODE_SLOT);
    const together = inode.inlineSize > 0 ? headSize(inode) + inode.inlineSize : EXTENDED_INODE_SIZE;
    if ((offset % BLOCK) + together > BLOCK) offset = alignUp(offset, BLOCK);
    inode.offset = offset;
    end = offset + headSize(inode) + inode.inlineSize;
    if (inode.chunks) end = chunkIndexOffset(inode) + inode.chunks.chunks.length * CHUNK_INDEX_SIZE;
  }
  return end;
}

/** Where an inode's chunk indexes begin. */
export function chunkIndexOffset(inode: Inode): number {
  return alignUp(inode.offset + headSize(inode), CHUNK_INDEX_SIZE);
}

/** Gives the content that is not inline its blocks from `first` on; gives the block after the last. */
function placeBlocks(inodes: readonly Inode[], first: number): number {
  let block = first;
  for (const inode of inodes) {
    if (inode.chunks || inode.size === inode.inlineSize) continue;
    inode.startBlock = block;
    block += Math.ceil((inode.size - inode.inlineSize) / BLOCK);
  }
  return block;
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
