import { invalid } from '#errors/errors.ts';
import type { Lent, Receivable } from '#lib/client-socket.ts';
import type { SparseSegment, TarEntry, TarType } from './tar-entry.ts';
import { TarParser } from './tar-parser.ts';
import { quote } from './tar-sequence.ts';

export interface RecordOptions {
  /** Where the entries go, for messages. */
  base: string;
  /** Owns everything, instead of whom the archive says. */
  owner?: { uid: number; gid: number } | undefined;
  /** Who sends the tar, as it is: the program may read large files' contents itself. */
  client?: Pick<Receivable, 'lend'> | undefined;
  /** The program reads no more than so many bytes at once. */
  most?: number;
  /** Changes the names in the tar, and those of files that have another one already. */
  rename?: (name: string) => string;
  /** Is told the type of entries that are the folder itself, which is there: they make nothing. */
  onItself?: (type: TarType) => void;
}

/** Content that the program is to read from the client's socket: at most `length` bytes. */
export interface FromClient {
  /** The struct tree_piece that tells the program. */
  record: Buffer;
  length: number;
  lent: Lent;
  /** Has to be told how many it has read. */
  taken(length: number): void;
}

/**
 * Small records are gathered to pieces of at most this many bytes, and passed on when they are enough: some hundred files at
 * once, so that neither side wakes the other for each. Large ones are passed on without a copy.
 */
const PIECE = 64 << 10;
const ENOUGH = 16 << 10;
const LARGE = 16 << 10;
const NOTHING = Buffer.alloc(0);
const ZEROS = Buffer.alloc(PIECE);
const FIXED_PART = 56;
/** Files of so many bytes have their content in pieces (TREE_PIECES). */
const IN_PIECES = 1 << 20;
/** So much of a file is worth lending the client's socket for. */
const WORTH_LENDING = 1 << 18;

const typeCharacters: Record<TarType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/** Bytes, or how many zeros. */
type Part = Buffer | number;

/**
 * A tar as the records that the tree program makes files of (`struct tree_entry` in native/tree/protocol.h). Names lose
 * `.` and `..`; one that leads out is refused with `invalid` in Docker's words, as are links to such. Sparse files are
 * filled with zeros. Throws as TarParser does.
 */
export async function* treeRecords(
  tar: AsyncIterable<Uint8Array>,
  options: RecordOptions,
): AsyncGenerator<Buffer | FromClient, void, void> {
  let { client } = options;
  const { rename = (name) => name, most = Infinity } = options;
  const gatherer = new Gatherer();
  const parts: Part[] = [];
  const put = (part: Part) => parts.push(part);
  const putPiece = (part: Part) => {
    const length = typeof part === 'number' ? part : part.length;
    if (length > 0) parts.push(encodePiece(length), part);
  };
  let takeBody: (bytes: Buffer) => void = () => {};
  let mayLend = false;
  const parser = new TarParser({
    entry: (entry) => {
      const name = cleanName(rename(entry.name));
      takeBody = () => {};
      mayLend = false;
      if (name === '') return options.onItself?.(entry.type);
      if (leadsOut(name)) throw invalid(`${quote(entry.name)} is outside of ${quote(options.base)}`);
      put(encodeHead(entry, name, options));
      const putBody = entry.size >= IN_PIECES ? putPiece : put;
      takeBody = entry.segments ? fillHoles(entry.segments, entry.size, putBody) : putBody;
      mayLend = putBody === putPiece && !entry.segments;
    },
    data: (bytes) => takeBody(bytes),
  });
  for await (const { buffer, byteOffset, byteLength } of tar) {
    parser.push(Buffer.from(buffer, byteOffset, byteLength));
    yield* gatherer.gather(parts.splice(0));
    const lent = client && worthLending() ? client.lend() : undefined;
    if (lent) yield* pass(lent);
  }
  parser.end();
  yield* gatherer.gather(parts);
  yield* gatherer.flush();

  function worthLending(): boolean {
    return mayLend && parser.bodyLeft >= WORTH_LENDING;
  }

  async function* pass(lent: Lent): AsyncGenerator<Buffer | FromClient, void, void> {
    try {
      for (const bytes of lent.early) parser.push(bytes);
      yield* gatherer.gather(parts.splice(0));
      if (!worthLending()) return;
      const length = Math.min(parser.bodyLeft, most, lent.chunked ? Infinity : lent.left);
      if (length === 0) return;
      const taken = (count: number) => {
        parser.skip(count);
        if (count < length) client = undefined; // the body is such as the program does not read
      };
      yield* gatherer.flush();
      yield { record: encodePiece(length, lent.left), length, lent, taken };
    } finally {
      lent.giveBack();
    }
  }
}

/** `left` is of the socket's: the content comes from there. */
function encodePiece(length: number, left?: number): Buffer {
  const piece = Buffer.alloc(24);
  piece.writeBigUInt64LE(BigInt(length), 0);
  piece.writeBigUInt64LE(BigInt(left ?? 0), 8);
  piece.writeUInt32LE(left === undefined ? 0 : 1, 16);
  return piece;
}

/** Gathers small records across calls; gives what is to be passed on, with `flush` all of it. */
class Gatherer {
  #gathered = Buffer.allocUnsafe(PIECE);
  #length = 0;

  *gather(parts: readonly Part[]): Generator<Buffer, void, void> {
    for (const part of parts) {
      const alone = typeof part === 'number' || part.length >= LARGE;
      if (alone || this.#length + part.length > PIECE) yield* this.flush();
      if (typeof part === 'number') {
        for (let left = part; left > 0; left -= PIECE) yield ZEROS.subarray(0, Math.min(left, PIECE));
      } else if (alone) {
        yield part;
      } else {
        this.#gathered.set(part, this.#length);
        this.#length += part.length;
      }
    }
    if (this.#length >= ENOUGH) yield* this.flush();
  }

  *flush(): Generator<Buffer, void, void> {
    if (this.#length === 0) return;
    const gathered = this.#gathered.subarray(0, this.#length);
    this.#gathered = Buffer.allocUnsafe(PIECE);
    this.#length = 0;
    yield gathered;
  }
}

/** Puts the whole content of a sparse file whose pieces are then given to what this gives. */
function fillHoles(
  segments: readonly SparseSegment[],
  size: number,
  put: (part: Part) => void,
): (bytes: Buffer) => void {
  let at = 0;
  let index = 0;
  let left = 0;
  const next = () => {
    while (left === 0 && index <= segments.length) {
      const { offset, length } = segments[index++] ?? { offset: size, length: 0 };
      put(offset - at);
      at = offset + length;
      left = length;
    }
  };
  next();
  return (bytes) => {
    for (let from = 0; from < bytes.length && left > 0; ) {
      const piece = bytes.subarray(from, from + left);
      put(piece);
      from += piece.length;
      left -= piece.length;
      next();
    }
  };
}

function encodeHead(entry: TarEntry, name: string, { base, owner, rename }: RecordOptions): Buffer {
  const link = entry.type === 'link' ? hardLinkTarget(entry, base, rename) : entry.linkName;
  const xattrs = encodeXattrs(entry.xattrs);
  const head = Buffer.allocUnsafe(FIXED_PART + name.length + link.length + xattrs.length);
  head.writeUInt32LE(typeCharacters[entry.type].charCodeAt(0), 0);
  head.writeUInt32LE(entry.mode, 4);
  head.writeUInt32LE((owner?.uid ?? entry.uid) >>> 0, 8);
  head.writeUInt32LE((owner?.gid ?? entry.gid) >>> 0, 12);
  head.writeUInt32LE(entry.deviceMajor >>> 0, 16);
  head.writeUInt32LE(entry.deviceMinor >>> 0, 20);
  head.writeBigInt64LE(BigInt(entry.mtime), 24);
  head.writeUInt32LE(entry.mtimeNs, 32);
  head.writeUInt32LE(name.length, 36);
  head.writeUInt32LE(link.length, 40);
  head.writeUInt32LE(xattrs.length, 44);
  head.writeBigUInt64LE(BigInt(entry.type === 'file' ? entry.size : 0), 48);
  const end = FIXED_PART + head.write(name, FIXED_PART, 'latin1');
  xattrs.copy(head, end + head.write(link, end, 'latin1'));
  return head;
}

function encodeXattrs(xattrs: TarEntry['xattrs']): Buffer {
  if (!xattrs) return NOTHING;
  return Buffer.concat([...xattrs].flatMap(([key, value]) => encodeXattr(key, value)));
}

function encodeXattr(key: string, value: Buffer): Buffer[] {
  const lengths = Buffer.alloc(8);
  const keyBytes = Buffer.from(`${key}\0`, 'latin1');
  lengths.writeUInt32LE(keyBytes.length, 0);
  lengths.writeUInt32LE(value.length, 4);
  return [lengths, keyBytes, value];
}

function hardLinkTarget(entry: TarEntry, base: string, rename: RecordOptions['rename']): string {
  const target = cleanName(rename ? rename(entry.linkName) : entry.linkName);
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
