import { invalid } from '#errors/errors.ts';
import type { TarEntry, TarType } from './tar-entry.ts';
import type { Refuse } from './tar-fields.ts';
import { BLOCK, isZeroBlock, readHeader, type TarHeader } from './tar-header.ts';
import { type PaxAttributes, readPax } from './tar-pax.ts';
import {
  readOldSparseExtension,
  readOldSparseHeader,
  type SparseMap,
  SparseMapReader,
  toSegments,
} from './tar-sparse.ts';

/** The longest PAX header, GNU long name or sparse map; the same limit as Go's archive/tar, and so Docker's. */
export const MAX_METADATA = 1 << 20;

/** Where the reading is; `position` is kept by whoever feeds the sequence. */
export interface TarProgress {
  /** Offset of the byte after the block that is being looked at. */
  position: number;
  /** Offset of the header block that began the current entry or extension. */
  headerOffset: number;
  /** Name of the current entry, as far as it is known. */
  name: string;
  /** A header has begun and its last block has not come yet. */
  pending: boolean;
  /** Bytes of an extended header's body that have not come yet, its padding not counted; else 0. */
  wanted: number;
}

/** Receives blocks through `next(block)`; yields undefined when it needs more, or the entry that is now complete. */
export type TarSequence = Generator<TarEntry | undefined, void, Buffer>;

type Steps<T> = Generator<undefined, T, Buffer>;

/** What the headers before an entry's own header said about it. */
interface Extensions {
  pax: PaxAttributes;
  longName?: string;
  longLinkName?: string;
}

const types: Record<string, TarType> = {
  '\0': 'file',
  '0': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Names of the archive's own root. Nothing is made of such an entry but its body skipped, whatever its type is. */
const NO_NAME = /^$|^\.(\/+\.?)*$/;

/**
 * The blocks of an archive without its bodies -> its entries. Returns at the end-of-archive blocks (two blocks of
 * zeros). Where formats overlap, the rules are those of Go's archive/tar, which Docker reads layers with.
 */
export function* tarSequence(progress: TarProgress): TarSequence {
  const refuse = refusal(progress);
  let extensions: Extensions = { pax: {} };
  let block = yield;
  for (;;) {
    if (isZeroBlock(block)) {
      block = yield;
      if (isZeroBlock(block)) return;
      progress.headerOffset = progress.position - BLOCK;
      progress.name = '';
      throw refuse('a block of zeros is followed by more data');
    }
    progress.headerOffset = progress.position - BLOCK;
    progress.name = '';
    progress.pending = true;
    const header = readHeader(block, refuse);
    progress.name = header.name;
    if (header.size < 0) throw refuse(`the size ${header.size} is negative`);
    if (yield* readExtension(header, extensions, progress, refuse)) {
      progress.pending = false;
      block = yield;
      continue;
    }
    const entry = makeEntry(header, extensions, progress, refuse);
    yield* readSparse(entry, header, block, extensions.pax, progress, refuse);
    extensions = { pax: {} };
    progress.pending = false;
    block = yield entry;
  }
}

/** An error that names the entry and the offset, as far as they are known. */
export function refusal(progress: Readonly<TarProgress>): Refuse {
  return (problem) => {
    const what = progress.name === '' ? 'tar header' : `tar entry ${quote(progress.name)}`;
    return invalid(`${what} at offset ${progress.headerOffset}: ${problem}`, { code: 'TAR_INVALID' });
  };
}

/** A name for a message: UTF-8 where it is that, bounded. */
export function quote(name: string): string {
  const text = Buffer.from(name.slice(0, 300), 'latin1').toString('utf8');
  return JSON.stringify(name.length > 300 ? `${text}...` : text);
}

/** Reads a header that is about the next entry; gives false when it is an entry's own. */
function* readExtension(
  header: TarHeader,
  extensions: Extensions,
  progress: TarProgress,
  refuse: Refuse,
): Steps<boolean> {
  switch (header.type) {
    case 'x':
      extensions.pax = readPax(yield* readMetadata(header.size, progress, refuse), refuse);
      return true;
    case 'g':
      yield* readMetadata(header.size, progress, refuse);
      return true;
    case 'L':
      extensions.longName = untilNul(yield* readMetadata(header.size, progress, refuse));
      return true;
    case 'K':
      extensions.longLinkName = untilNul(yield* readMetadata(header.size, progress, refuse));
      return true;
    default:
      return false;
  }
}

function* readMetadata(size: number, progress: TarProgress, refuse: Refuse): Steps<Buffer> {
  if (size > MAX_METADATA) throw refuse(`an extended header of ${size} bytes; the limit is ${MAX_METADATA}`);
  const bytes = Buffer.alloc(size);
  for (let filled = 0; filled < size; ) {
    progress.wanted = size - filled;
    filled += (yield).copy(bytes, filled);
  }
  progress.wanted = 0;
  return bytes;
}

function makeEntry(header: TarHeader, extensions: Extensions, progress: TarProgress, refuse: Refuse): TarEntry {
  const { pax } = extensions;
  const name = extensions.longName || pax.path || header.name;
  progress.name = name;
  let type = types[header.type] ?? (NO_NAME.test(name) ? 'file' : undefined);
  if (!type) throw refuse(`unhandled tar header type ${JSON.stringify(header.type)}`);
  if (header.type === '\0' && name.endsWith('/')) type = 'directory';
  const size = type === 'file' ? (pax.size ?? header.size) : 0;
  const isLink = type === 'link' || type === 'symlink';
  const isDevice = type === 'character' || type === 'block';
  return {
    type,
    name,
    linkName: isLink ? extensions.longLinkName || pax.linkPath || header.linkName : '',
    mode: header.mode & 0o7777,
    uid: pax.uid ?? header.uid,
    gid: pax.gid ?? header.gid,
    userName: pax.userName ?? header.userName,
    groupName: pax.groupName ?? header.groupName,
    mtime: pax.mtime?.seconds ?? header.mtime,
    mtimeNs: pax.mtime?.nanoseconds ?? 0,
    size,
    deviceMajor: isDevice ? header.deviceMajor : 0,
    deviceMinor: isDevice ? header.deviceMinor : 0,
    xattrs: pax.xattrs,
    dataOffset: progress.position,
    dataSize: size,
    segments: undefined,
    headerOffset: progress.headerOffset,
  };
}

/** Completes the entry of a sparse file, in whichever of the four ways its map is stored. */
function* readSparse(
  entry: TarEntry,
  header: TarHeader,
  block: Buffer,
  pax: PaxAttributes,
  progress: TarProgress,
  refuse: Refuse,
): Steps<void> {
  if (entry.type !== 'file') return;
  let map: SparseMap;
  if (header.type === 'S') {
    map = [];
    const old = readOldSparseHeader(block, map, refuse);
    entry.size = old.realSize;
    for (let { more } = old; more; ) more = readOldSparseExtension(yield, map, refuse);
  } else {
    const version = paxSparseVersion(pax);
    if (!version) return;
    if (pax.sparse?.name) entry.name = progress.name = pax.sparse.name;
    entry.size = pax.sparse?.size ?? entry.size;
    map = version === '1.0' ? yield* readMapInBody(entry, refuse) : (pax.sparse?.map ?? []);
  }
  entry.dataOffset = progress.position;
  entry.segments = toSegments(map, entry.size, entry.dataSize, refuse);
}

function* readMapInBody(entry: TarEntry, refuse: Refuse): Steps<SparseMap> {
  const reader = new SparseMapReader();
  for (let read = BLOCK; ; read += BLOCK) {
    if (read > MAX_METADATA) throw refuse(`a sparse map of more than ${MAX_METADATA} bytes`);
    if (read > entry.dataSize) throw refuse('the sparse map is longer than the content');
    if (!reader.push(yield, refuse)) continue;
    entry.dataSize -= read;
    return reader.map;
  }
}

/** An unknown version is not sparse at all: its body is the file. */
function paxSparseVersion({ sparse }: PaxAttributes): '0.x' | '1.0' | undefined {
  if (sparse?.major === '1' && sparse.minor === '0') return '1.0';
  if (sparse?.major === '0' && (sparse.minor === '0' || sparse.minor === '1')) return '0.x';
  return sparse?.map && sparse.major === undefined && sparse.minor === undefined ? '0.x' : undefined;
}

function untilNul(bytes: Buffer): string {
  const nul = bytes.indexOf(0);
  return bytes.toString('latin1', 0, nul < 0 ? bytes.length : nul);
}
