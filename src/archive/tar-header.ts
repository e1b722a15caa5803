import { type Refuse, readNumber, readOctal, readString } from './tar-fields.ts';

/**
 * One 512-byte header block. Layouts: POSIX.1-2017 `pax`, "ustar Interchange Format"; GNU tar manual, "Basic Tar
 * Format"; star(5). A block without a known magic is version 7: it ends after the link name.
 */
export interface TarHeader {
  /** The type flag's character; NUL for version 7. */
  type: string;
  format: 'v7' | 'ustar' | 'gnu' | 'star';
  name: string;
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  userName: string;
  groupName: string;
  deviceMajor: number;
  deviceMinor: number;
}

export const BLOCK = 512;

export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < BLOCK; at++) if (block[at] !== 0) return false;
  return true;
}

/** Decodes a header block. `refuse` makes the errors: bad checksum, bad numbers. */
export function readHeader(block: Buffer, refuse: Refuse): TarHeader {
  verifyChecksum(block, refuse);
  const format = formatOf(block);
  const extended = format !== 'v7';
  const name = readString(block, 0, 100);
  const prefix = readPrefix(block, format);
  const number = (field: string, start: number, length: number) =>
    readNumber(block, start, length, (problem) => refuse(`${field}: ${problem}`));
  return {
    type: String.fromCharCode(block[156]!),
    format,
    name: prefix ? `${prefix}/${name}` : name,
    linkName: readString(block, 157, 100),
    mode: number('mode', 100, 8),
    uid: number('uid', 108, 8),
    gid: number('gid', 116, 8),
    size: number('size', 124, 12),
    mtime: number('mtime', 136, 12),
    userName: extended ? readString(block, 265, 32) : '',
    groupName: extended ? readString(block, 297, 32) : '',
    deviceMajor: extended ? number('device', 329, 8) : 0,
    deviceMinor: extended ? number('device', 337, 8) : 0,
  };
}

function readPrefix(block: Buffer, format: TarHeader['format']): string {
  if (format === 'ustar') return readString(block, 345, 155);
  if (format === 'star') return readString(block, 345, 131);
  return '';
}

function formatOf(block: Buffer): TarHeader['format'] {
  const magic = block.toString('latin1', 257, 265);
  if (magic === 'ustar  \0') return 'gnu';
  if (!magic.startsWith('ustar\0')) return 'v7';
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar';
}

/** The sum of all bytes, the checksum's own eight counted as spaces; some old programs summed signed bytes. */
function verifyChecksum(block: Buffer, refuse: Refuse): void {
  const wanted = readOctal(block, 148, 8, (problem) => refuse(`checksum: ${problem}`));
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at++) sum += block[at]!;
  for (let at = 148; at < 156; at++) sum -= block[at]!;
  if (wanted !== sum && wanted !== sum - 256 * countHighBytes(block)) {
    throw refuse(`the header's checksum is wrong (it says ${wanted}, the bytes add up to ${sum})`);
  }
}

function countHighBytes(block: Buffer): number {
  let count = 0;
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) count += block[at]! >> 7;
  return count;
}
