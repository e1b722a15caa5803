import { type ExtractEntry, type ExtractSegment, entrySize, op, writeEntry } from './extract-wire.ts';
import { isRegular, isSymlink, type LayerNode } from './layer-node.ts';
import { note } from './node-record.ts';
import type { EntryId, NodeId, NodeStore } from './node-store.ts';
import { refuseNode } from './refuse-node.ts';
import { layerXattrs, overlayMarks, type Xattr } from './xattrs.ts';

/** Bytes that are given on at a time. */
const CHUNK = 64 << 10;

export interface DescribeOptions {
  /** Write out what overlayfs needs for whiteouts and opaque directories. */
  forOverlay: boolean;
  /** The number of the source file that holds a regular file's content; undefined: leave the content out. */
  sourceOf(node: LayerNode): number | undefined;
}

/**
 * A tree that was surveyed as wherry-tree reads it, in pieces that are good until the next one. Throws `invalid` for attributes
 * that Linux would refuse.
 */
export function* describeTree(store: NodeStore, root: NodeId, options: DescribeOptions): Generator<Buffer> {
  let chunk = Buffer.allocUnsafeSlow(CHUNK);
  let used = 0;
  for (const entry of entriesOf(store, root, options)) {
    const size = entrySize(entry);
    if (used + size > chunk.length) {
      yield chunk.subarray(0, used);
      if (size > chunk.length) chunk = Buffer.allocUnsafeSlow(size);
      used = 0;
    }
    writeEntry(entry, chunk.subarray(used, used + size));
    used += size;
  }
  yield chunk.subarray(0, used);
}

interface Visit {
  name: string;
  directory: NodeId;
  entries: Iterator<EntryId>;
}

function* entriesOf(store: NodeStore, root: NodeId, options: DescribeOptions): Generator<ExtractEntry> {
  const visit = (name: string, directory: NodeId): Visit => ({ name, directory, entries: store.entries(directory) });
  const firstPaths = new Map<NodeId, string>();
  const stack: Visit[] = [visit('', root)];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.entries.next();
    if (next.done) {
      stack.pop();
      const node = store.get(top.directory);
      yield { op: op.leave, name: '', node, xattrs: directoryXattrs(store, top, node, options) };
      continue;
    }
    const id = store.nodeOf(next.value);
    const name = store.nameOf(next.value);
    if (store.isDirectory(id)) {
      yield { op: op.enter, name };
      stack.push(visit(name, id));
      continue;
    }
    const first = firstPaths.get(id);
    if (first !== undefined) {
      yield { op: op.link, name, text: first };
      continue;
    }
    if (store.noteOf(id, note.links) > 1) firstPaths.set(id, [...stack.map((level) => level.name), name].join('/'));
    yield leafEntry(name, store.get(id), options);
  }
}

function directoryXattrs(
  store: NodeStore,
  { name, directory }: Visit,
  node: LayerNode,
  options: DescribeOptions,
): Xattr[] {
  const marks = options.forOverlay ? overlayMarks(store, directory) : [];
  return [
    ...layerXattrs(
      node,
      refuseNode(node, () => name),
    ),
    ...marks,
  ];
}

function leafEntry(name: string, node: LayerNode, options: DescribeOptions): ExtractEntry {
  const entry = {
    name,
    node,
    xattrs: [
      ...layerXattrs(
        node,
        refuseNode(node, () => name),
      ),
    ],
  };
  if (isRegular(node)) return { ...entry, op: op.file, segments: segmentsOf(node, options.sourceOf(node)) };
  if (isSymlink(node)) return { ...entry, op: op.symlink, text: node.target };
  return { ...entry, op: op.node };
}

function segmentsOf(node: LayerNode, file: number | undefined): ExtractSegment[] {
  if (file === undefined) return [];
  if (!node.segments) return node.size > 0 ? [{ offset: 0, length: node.size, source: node.dataOffset, file }] : [];
  let source = node.dataOffset;
  return node.segments.map(({ offset, length }) => {
    source += length;
    return { offset, length, source: source - length, file };
  });
}
