import { isDirectory, isRegular, isSymlink } from '../tree/layer-node.ts';
import { note } from '../tree/node-record.ts';
import type { EntryId, NodeId, NodeStore } from '../tree/node-store.ts';
import { refuseNode } from '../tree/refuse-node.ts';
import { ChunkPlanner, type Copy, chunksIn, encodeChunkMap } from './chunks.ts';
import { directorySize, type SortedEntries } from './directory.ts';
import { BLOCK, CHUNK_INDEX_SIZE, EXTENDED_INODE_SIZE, INODE_SLOT, INODES_OFFSET } from './format.ts';
import { encodeXattrs } from './xattrs.ts';

/**
 * Where everything goes. It is noted with the nodes: `links`; `place`, its nid, which is the inode's offset in the index
 * divided by INODE_SLOT; `block`, the first one of content in blocks of its own, counted from `blockStart`; `attributes`, the
 * extended ones as they follow the inode; of a file that does not lie in the tar as a whole its `chunks`; of a directory its
 * `parent`, its `size` in bytes, and where its `entries` begin in that list.
 */
export interface Layout {
  store: NodeStore;
  /** In the order of their offsets, the root first. */
  nodes: Uint32Array;
  /** Those of all directories. */
  entries: SortedEntries;
  /** `.` and `..` of every directory. */
  dots: readonly [EntryId, EntryId];
  /** The nodes with content in blocks of its own, in the order of these. */
  inBlocks: NodeId[];
  /** Blocks of inodes... */
  blockStart: number;
  /** ...and of directories and symlinks too; the copies come after them. */
  metadataBlocks: number;
  copies: Copy[];
  copiedBlocks: number;
  /** Bytes of regular files, each counted once. */
  contentSize: number;
}

/** Bytes of a node's content: file, directory or symlink target. */
export function contentSize(id: NodeId, store: NodeStore): number {
  const type = { mode: store.modeOf(id) };
  if (isDirectory(type)) return store.noteOf(id, note.size);
  return isSymlink(type) ? store.targetLength(id) : store.fileSize(id);
}

/** How much of a node's content directly follows the inode. */
export function inlineSize(id: NodeId, store: NodeStore): number {
  if (isRegular({ mode: store.modeOf(id) })) return 0;
  const tail = contentSize(id, store) % BLOCK;
  return headSize(id, store) + tail <= BLOCK ? tail : 0;
}

/** Bytes of the inode proper and its extended attributes. */
export function headSize(id: NodeId, store: NodeStore): number {
  return EXTENDED_INODE_SIZE + store.keptLength(id, note.attributes);
}

/** How many chunk indexes a node has: none but a regular file with content. */
export function chunkCount(id: NodeId, store: NodeStore): number {
  if (store.fileSize(id) === 0) return 0;
  const map = store.keptLength(id, note.chunks);
  return map === 0 ? 1 : chunksIn(map);
}

/** Where the chunk indexes of a node begin whose inode is at `offset`. */
export function chunkIndexOffset(id: NodeId, offset: number, store: NodeStore): number {
  return alignUp(offset + headSize(id, store), CHUNK_INDEX_SIZE);
}

export function entriesOf(directory: NodeId, { store, entries }: Pick<Layout, 'store' | 'entries'>): SortedEntries {
  const first = store.noteOf(directory, note.entries);
  return entries.subarray(first, first + store.countOf(directory) + 2);
}

/** Bytes of a node's content that lie in blocks of their own in the index. */
export function blocksSize(id: NodeId, store: NodeStore): number {
  return isRegular({ mode: store.modeOf(id) }) ? 0 : contentSize(id, store) - inlineSize(id, store);
}

/**
 * Decides where everything goes. Inodes are laid out breadth first, so that the inodes of one directory lie together.
 * Throws `invalid` for what the format cannot hold.
 */
export function layOut(store: NodeStore, root: NodeId, tarSize: number): Layout {
  return new Planner(store, tarSize).plan(root);
}

/** Goes through the tree once. */
class Planner {
  readonly #store: NodeStore;
  readonly #chunks: ChunkPlanner;
  readonly #dots: readonly [EntryId, EntryId];
  readonly #nodes: Uint32Array;
  readonly #entries: SortedEntries;
  readonly #inBlocks: NodeId[] = [];
  #nodeCount = 0;
  #entryCount = 0;
  /** Bytes that are taken by inodes. */
  #end = INODES_OFFSET;
  #blocks = 0;
  #contentSize = 0;

  constructor(store: NodeStore, tarSize: number) {
    this.#store = store;
    this.#chunks = new ChunkPlanner(tarSize);
    this.#dots = [store.makeEntry('.', 0, 0), store.makeEntry('..', 0, 0)];
    this.#nodes = new Uint32Array(store.nodeCount);
    this.#entries = new Uint32Array(store.entryCount + 2 * store.directoryCount);
  }

  /** Links are counted as names are met, a directory's `.` and `..` as any other; the root has no name but these. */
  plan(root: NodeId): Layout {
    const store = this.#store;
    this.#enter(root, root, () => '/');
    for (let number = 0; number < this.#nodeCount; number++) {
      const directory = this.#nodes[number]!;
      if (!store.isDirectory(directory)) continue;
      this.#addLink(directory);
      this.#addLink(store.noteOf(directory, note.parent));
      for (const entry of entriesOf(directory, { store, entries: this.#entries })) {
        const node = store.nodeOf(entry);
        if (node !== 0 && this.#addLink(node) === 1) this.#enter(node, directory, () => store.nameOf(entry));
      }
    }
    const blockStart = Math.ceil(this.#end / BLOCK);
    const { copies, copiedBlocks } = this.#chunks;
    return {
      store,
      nodes: this.#nodes.subarray(0, this.#nodeCount),
      entries: this.#entries,
      dots: this.#dots,
      inBlocks: this.#inBlocks,
      blockStart,
      metadataBlocks: blockStart + this.#blocks,
      copies,
      copiedBlocks,
      contentSize: this.#contentSize,
    };
  }

  #addLink(id: NodeId): number {
    const links = this.#store.noteOf(id, note.links) + 1;
    this.#store.setNote(id, note.links, links);
    return links;
  }

  #enter(id: NodeId, parent: NodeId, name: () => string): void {
    this.#nodes[this.#nodeCount++] = id;
    const node = this.#store.get(id);
    const refuse = refuseNode(node, name);
    const attributes = encodeXattrs(this.#store, id, node, refuse);
    if (attributes) this.#store.keepNote(id, note.attributes, attributes);
    if (isDirectory(node)) {
      this.#sort(id, parent);
    } else if (isRegular(node) && node.size > 0) {
      const map = this.#chunks.plan(node, refuse);
      if (map) this.#store.keepNote(id, note.chunks, encodeChunkMap(map));
    }
    this.#contentSize += node.size;
    this.#place(id);
  }

  #sort(directory: NodeId, parent: NodeId): void {
    const store = this.#store;
    const first = this.#entryCount;
    for (const entry of this.#dots) this.#entries[this.#entryCount++] = entry;
    for (const entry of store.entries(directory)) this.#entries[this.#entryCount++] = entry;
    const entries = this.#entries.subarray(first, this.#entryCount).sort((a, b) => store.compareNames(a, b));
    store.setNote(directory, note.parent, parent);
    store.setNote(directory, note.entries, first);
    store.setNote(directory, note.size, directorySize(store, entries));
  }

  /** Gives the inode its place, and the content that is not inline its blocks. Neither inode nor inline content crosses a block. */
  #place(id: NodeId): void {
    const store = this.#store;
    const head = headSize(id, store);
    const inline = inlineSize(id, store);
    const chunks = chunkCount(id, store);
    const together = inline > 0 ? head + inline : EXTENDED_INODE_SIZE;
    let offset = alignUp(this.#end, INODE_SLOT);
    if ((offset % BLOCK) + together > BLOCK) offset = alignUp(offset, BLOCK);
    store.setNote(id, note.place, offset / INODE_SLOT);
    this.#end = chunks > 0 ? chunkIndexOffset(id, offset, store) + chunks * CHUNK_INDEX_SIZE : offset + head + inline;
    const outside = blocksSize(id, store);
    if (outside === 0) return;
    this.#inBlocks.push(id);
    store.setNote(id, note.block, this.#blocks);
    this.#blocks += Math.ceil(outside / BLOCK);
  }
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
