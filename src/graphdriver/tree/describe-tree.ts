import { type ExtractEntry, type ExtractSegment, entrySize, op, writeEntry } from './extract-wire.ts';
import { type DirectoryNode, isDirectory, isRegular, isSymlink, type LayerNode } from './layer-node.ts';
import { refuseNode } from './refuse-node.ts';
import { layerXattrs, overlayMarks, type Xattr } from './xattrs.ts';

/** Bytes that are given on at a time. */
const CHUNK = 64 << 10;

export interface DescribeOptions {
  /** The nodes with several names. */
  linked: ReadonlySet<LayerNode>;
  /** Write out what overlayfs needs for whiteouts and opaque directories. */
  forOverlay: boolean;
  /** The number of the source file that holds a regular file's content; undefined: leave the content out. */
  sourceOf(node: LayerNode): number | undefined;
}

/** The tree as wherry-tree reads it. Throws `invalid` for attributes that Linux would refuse. */
export function* describeTree(root: DirectoryNode, options: DescribeOptions): Generator<Buffer> {
  let chunk = Buffer.allocUnsafeSlow(CHUNK);
  let used = 0;
  for (const entry of entriesOf(root, options)) {
    const size = entrySize(entry);
    if (used + size > chunk.length) {
      yield chunk.subarray(0, used);
      chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK, size));
      used = 0;
    }
    writeEntry(entry, chunk.subarray(used, used + size));
    used += size;
  }
  yield chunk.subarray(0, used);
}

interface Visit {
  name: string;
  directory: DirectoryNode;
  children: Iterator<[string, LayerNode]>;
}

function* entriesOf(root: DirectoryNode, options: DescribeOptions): Generator<ExtractEntry> {
  const firstPaths = new Map<LayerNode, string>();
  const stack: Visit[] = [visit('', root)];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const next = top.children.next();
    if (next.done) {
      stack.pop();
      yield { op: op.leave, name: '', node: top.directory, xattrs: xattrsOf(top.directory, top.name, options) };
      continue;
    }
    const [name, node] = next.value;
    if (isDirectory(node)) {
      yield { op: op.enter, name };
      stack.push(visit(name, node));
      continue;
    }
    const first = firstPaths.get(node);
    if (first !== undefined) {
      yield { op: op.link, name, text: first };
      continue;
    }
    if (options.linked.has(node)) firstPaths.set(node, [...stack.map((level) => level.name), name].join('/'));
    yield leafEntry(name, node, options);
  }
}

function visit(name: string, directory: DirectoryNode): Visit {
  return { name, directory, children: directory.children.entries() };
}

function leafEntry(name: string, node: LayerNode, options: DescribeOptions): ExtractEntry {
  const entry = { name, node, xattrs: xattrsOf(node, name, options) };
  if (isRegular(node)) return { ...entry, op: op.file, segments: segmentsOf(node, options.sourceOf(node)) };
  if (isSymlink(node)) return { ...entry, op: op.symlink, text: node.target };
  return { ...entry, op: op.node };
}

function xattrsOf(node: LayerNode, name: string, { forOverlay }: DescribeOptions): Xattr[] {
  return [...layerXattrs(node, refuseNode(node, name)), ...(forOverlay ? overlayMarks(node) : [])];
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
