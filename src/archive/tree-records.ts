import { invalid } from '#errors/errors.ts';
import type { SparseSegment, TarEntry, TarType } from './tar-entry.ts';
import { quote } from './tar-sequence.ts';
import { readTar } from './tar-stream.ts';

export interface RecordOptions {
  /** Where the entries go, for messages. */
  base: string;
  /** Owns everything, instead of whom the archive says. */
  owner?: { uid: number; gid: number };
}

/** Small records are gathered to pieces of at most this many bytes; large ones are passed on without a copy. */
const PIECE = 64 << 10;
const LARGE = 16 << 10;
const ZEROS = Buffer.alloc(PIECE);
const FIXED_PART = 56;

const typeCharacters: Record<TarType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/**
 * A tar as the records that the tree program makes files of (`struct tree_entry` in native/protocol.h). Names lose `.` and
 * `..`; one that leads out is refused with `invalid` in Docker's words, as are links to such. Sparse files are filled with
 * zeros. Throws as `readTar` does.
 */
export async function* treeRecords(
  tar: AsyncIterable<Uint8Array>,
  options: RecordOptions,
): AsyncGenerator<Buffer, void, void> {
  let gathered: Buffer[] = [];
  let length = 0;
  for await (const piece of recordParts(tar, options)) {
    const alone = piece.length >= LARGE;
    if (length > 0 && (alone || length + piece.length > PIECE)) {
      yield Buffer.concat(gathered);
      gathered = [];
      length = 0;
    }
    if (alone) {
      yield piece;
    } else {
      gathered.push(piece);
      length += piece.length;
    }
  }
  if (length > 0) yield Buffer.concat(gathered);
}

async function* recordParts(tar: AsyncIterable<Uint8Array>, options: RecordOptions): AsyncGenerator<Buffer> {
  for await (const { entry, body } of readTar(tar)) {
    const name = cleanName(entry.name);
    if (name === '') continue; // the folder itself, which is there
    if (leadsOut(name)) throw invalid(`${quote(entry.name)} is outside of ${quote(options.base)}`);
    yield encodeHead(entry, name, options);
    yield* entry.segments ? fill(body, entry.segments, entry.size) : body;
  }
}

function encodeHead(entry: TarEntry, name: string, { base, owner }: RecordOptions): Buffer {
  const nameBytes = Buffer.from(name, 'latin1');
  const linkBytes = Buffer.from(entry.type === 'link' ? hardLinkTarget(entry, base) : entry.linkName, 'latin1');
  const xattrs = encodeXattrs(entry.xattrs);
  const fixed = Buffer.alloc(FIXED_PART);
  const numbers = [
    typeCharacters[entry.type].charCodeAt(0),
    entry.mode,
    owner?.uid ?? entry.uid,
    owner?.gid ?? entry.gid,
    entry.deviceMajor,
    entry.deviceMinor,
  ];
  for (const [index, number] of numbers.entries()) fixed.writeUInt32LE(number >>> 0, index * 4);
  fixed.writeBigInt64LE(BigInt(entry.mtime), 24);
  fixed.writeUInt32LE(entry.mtimeNs, 32);
  fixed.writeUInt32LE(nameBytes.length, 36);
  fixed.writeUInt32LE(linkBytes.length, 40);
  fixed.writeUInt32LE(xattrs.length, 44);
  fixed.writeBigUInt64LE(BigInt(entry.type === 'file' ? entry.size : 0), 48);
  return Buffer.concat([fixed, nameBytes, linkBytes, xattrs]);
}

/** A file and its extended attributes, as the tree program's `attributes` reads them. `path` has a byte in each character. */
export function attributesRecord(path: string, xattrs: TarEntry['xattrs']): Buffer {
  const lengths = Buffer.alloc(8);
  const pairs = encodeXattrs(xattrs);
  lengths.writeUInt32LE(path.length, 0);
  lengths.writeUInt32LE(pairs.length, 4);
  return Buffer.concat([lengths, Buffer.from(path, 'latin1'), pairs]);
}

function encodeXattrs(xattrs: TarEntry['xattrs']): Buffer {
  return Buffer.concat([...(xattrs ?? [])].flatMap(([key, value]) => encodeXattr(key, value)));
}

function encodeXattr(key: string, value: Buffer): Buffer[] {
  const lengths = Buffer.alloc(8);
  const keyBytes = Buffer.from(`${key}\0`, 'latin1');
  lengths.writeUInt32LE(keyBytes.length, 0);
  lengths.writeUInt32LE(value.length, 4);
  return [lengths, keyBytes, value];
}

function hardLinkTarget(entry: TarEntry, base: string): string {
  const target = cleanName(entry.linkName);
  if (target !== '' && !leadsOut(target)) return target;
  throw invalid(`invalid hardlink ${quote(`${base}/${entry.name}`)} -> ${quote(entry.linkName)}`);
}

/** Without empty parts and `.`; `..` takes the part before it away, or stays at the front. */
function cleanName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

function leadsOut(name: string): boolean {
  return name === '..' || name.startsWith('../');
}

/** The whole content of a sparse file. */
async function* fill(
  body: AsyncIterable<Buffer>,
  segments: readonly SparseSegment[],
  size: number,
): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let at = 0;
  for (const { offset, length } of segments) {
    yield* zeros(offset - at);
    for (let left = length; left > 0; ) {
      if (rest.length === 0) rest = (await chunks.next()).value as Buffer;
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
    at = offset + length;
  }
  yield* zeros(size - at);
}

function* zeros(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= PIECE) yield ZEROS.subarray(0, Math.min(left, PIECE));
}
