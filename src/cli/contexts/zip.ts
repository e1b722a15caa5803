import { crc32, inflateRawSync } from 'node:zlib';
import { CommandError } from '../errors.ts';

const STORED = 0;
const DEFLATED = 8;
const LOCAL_HEAD = 30;
const CENTRAL_HEAD = 46;
const END = 22;

/** Whether bytes begin as a zip archive does. */
export const isZip = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 4) === 'PK\x03\x04';

/**
 * The files of a zip archive (PKWARE's APPNOTE, without ZIP64 and encryption) by their paths, of no more than `limit` bytes
 * together. Throws CommandError for what is none.
 */
export function readZip(archive: Buffer, limit: number): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = archive.lastIndexOf('PK\x05\x06', archive.length - END, 'latin1');
  if (end < 0) throw new CommandError('zip: not a valid zip file');
  let at = archive.readUInt32LE(end + 16);
  let left = limit;
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    const head = part(archive, at, CENTRAL_HEAD, 'PK\x01\x02');
    const nameLength = head.readUInt16LE(28);
    const name = part(archive, at + CENTRAL_HEAD, nameLength).toString('utf8');
    at += CENTRAL_HEAD + nameLength + head.readUInt16LE(30) + head.readUInt16LE(32);
    if (name.endsWith('/')) continue;
    const body = unpack(archive, head, left);
    left -= body.length;
    files.set(name, body);
  }
  return files;
}

/** The bytes of the file that an entry of the central directory tells of. */
function unpack(archive: Buffer, head: Buffer, limit: number): Buffer {
  const place = head.readUInt32LE(42);
  const local = part(archive, place, LOCAL_HEAD, 'PK\x03\x04');
  const start = place + LOCAL_HEAD + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = part(archive, start, head.readUInt32LE(20));
  const body = inflate(packed, head.readUInt16LE(10), limit);
  if (body.length !== head.readUInt32LE(24) || crc32(body) !== head.readUInt32LE(16)) {
    throw new CommandError('zip: checksum error');
  }
  return body;
}

function inflate(packed: Buffer, method: number, limit: number): Buffer {
  if (method !== STORED && method !== DEFLATED) throw new CommandError('zip: unsupported compression algorithm');
  try {
    const body = method === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, limit) });
    if (body.length <= limit) return body;
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code !== 'ERR_BUFFER_TOO_LARGE') throw new CommandError(`zip: ${(cause as Error).message}`, { cause });
  }
  throw new CommandError('zip: the files in the archive are too large');
}

/** Throws CommandError where the archive has no such bytes. */
function part(archive: Buffer, start: number, length: number, mark = ''): Buffer {
  const bytes = archive.subarray(start, start + length);
  if (bytes.length < length || !bytes.toString('latin1', 0, mark.length).startsWith(mark)) {
    throw new CommandError('zip: not a valid zip file');
  }
  return bytes;
}
