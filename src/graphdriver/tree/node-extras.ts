import type { SparseSegment } from '#archive/tar-entry.ts';
import type { LayerNode } from './layer-node.ts';

/** What few nodes have. */
export type NodeExtras = Pick<LayerNode, 'xattrs' | 'segments'>;

/** How many attributes; how many pieces and 1, or 0 for a file that is not sparse. */
const COUNTS = 8;
/** Of an attribute's name and value, which follow. */
const LENGTHS = 8;
const SEGMENT = 16;

export function encodeExtras({ xattrs = new Map(), segments }: NodeExtras): Buffer {
  const parts = [...xattrs].flatMap(([name, value]) => {
    const lengths = Buffer.allocUnsafe(LENGTHS);
    lengths.writeUInt32LE(name.length, 0);
    lengths.writeUInt32LE(value.length, 4);
    return [lengths, Buffer.from(name, 'latin1'), value];
  });
  const counts = Buffer.allocUnsafe(COUNTS);
  counts.writeUInt32LE(xattrs.size, 0);
  counts.writeUInt32LE(segments ? segments.length + 1 : 0, 4);
  const pieces = Buffer.allocUnsafe((segments?.length ?? 0) * SEGMENT);
  for (const [index, { offset, length }] of segments?.entries() ?? []) {
    pieces.writeDoubleLE(offset, index * SEGMENT);
    pieces.writeDoubleLE(length, index * SEGMENT + 8);
  }
  return Buffer.concat([counts, ...parts, pieces]);
}

export function decodeExtras(bytes: Buffer): NodeExtras {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const counts = take(COUNTS);
  const xattrs = Array.from({ length: counts.readUInt32LE(0) }, (): [string, Buffer] => {
    const lengths = take(LENGTHS);
    return [take(lengths.readUInt32LE(0)).toString('latin1'), take(lengths.readUInt32LE(4))];
  });
  const pieces = counts.readUInt32LE(4) - 1;
  const segments = Array.from({ length: Math.max(pieces, 0) }, (): SparseSegment => {
    const piece = take(SEGMENT);
    return { offset: piece.readDoubleLE(0), length: piece.readDoubleLE(8) };
  });
  return { ...(xattrs.length > 0 && { xattrs: new Map(xattrs) }), ...(pieces >= 0 && { segments }) };
}
