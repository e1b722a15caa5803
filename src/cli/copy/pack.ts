import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink } from 'node:fs/promises';
import type { TarType } from '#archive/tar-entry.ts';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { CommandError } from '../errors.ts';
import { splitEntry, toBytes, toPath } from './paths.ts';

/** Bytes of a file that are read at once. */
const PIECE = 1 << 18;

type Info = Awaited<ReturnType<typeof look>>;

/**
 * The tar of what is at `path`, whose names begin with the path's last part, or what `rename` makes of them. Sockets are
 * left out. Throws CommandError when a file becomes shorter while it is read.
 */
export async function* pack(path: string, rename: (name: string) => string): AsyncGenerator<Buffer> {
  const { folder, name } = splitEntry(path);
  const links = new Map<string, string>();
  yield* packEntry(toBytes(folder), toBytes(name), { rename, links });
  yield TAR_END;
}

interface Packing {
  rename(name: string): string;
  /** Device and inode of a file with several names -> the first of them. */
  links: Map<string, string>;
}

async function* packEntry(root: string, name: string, packing: Packing): AsyncGenerator<Buffer> {
  const path = `${root}/${name}`;
  const info = await look(path);
  const type = typeOf(info);
  if (type === undefined) return;
  const written = packing.rename(name);
  const first = info.nlink > 1n && type !== 'directory' ? firstName(info, written, packing.links) : undefined;
  if (first !== undefined) yield header(info, { type: 'link', name: written, linkName: first });
  else if (type === 'file') yield* packFile(path, info, written);
  else if (type === 'symlink') yield header(info, { type, name: written, linkName: await targetOf(path) });
  else yield header(info, { type, name: type === 'directory' ? `${written.replace(/\/$/, '')}/` : written });
  if (type !== 'directory') return;
  const children = await readdir(toPath(path), { encoding: 'buffer' });
  for (const child of children.map((bytes) => bytes.toString('latin1')).sort()) {
    yield* packEntry(root, name === '/' ? child : `${name}/${child}`, packing);
  }
}

const look = (path: string) => lstat(toPath(path), { bigint: true });

const targetOf = async (path: string) => (await readlink(toPath(path), { encoding: 'buffer' })).toString('latin1');

function typeOf(info: Info): TarType | undefined {
  if (info.isFile()) return 'file';
  if (info.isDirectory()) return 'directory';
  if (info.isSymbolicLink()) return 'symlink';
  if (info.isCharacterDevice()) return 'character';
  if (info.isBlockDevice()) return 'block';
  return info.isFIFO() ? 'fifo' : undefined;
}

/** The name under which this file has been packed before. */
function firstName(info: Info, name: string, links: Map<string, string>): string | undefined {
  const key = `${info.dev}:${info.ino}`;
  const first = links.get(key);
  if (first === undefined) links.set(key, name);
  return first;
}

function header(
  info: Info,
  { type, name, linkName = '', size = 0 }: { type: TarType; name: string; linkName?: string; size?: number },
): Buffer {
  const device = type === 'character' || type === 'block' ? Number(info.rdev) : 0;
  return encodeTarHeader({
    type,
    name,
    linkName,
    size,
    mode: Number(info.mode & 0o7777n),
    uid: Number(info.uid),
    gid: Number(info.gid),
    mtime: Number(info.mtimeNs / 1_000_000_000n) - (info.mtimeNs % 1_000_000_000n < 0n ? 1 : 0),
    mtimeNs: Number(((info.mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n),
    deviceMajor: (device >> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >> 12) & 0xfff00),
  });
}

/** What a file grows by while it is read is left out. */
async function* packFile(path: string, info: Info, name: string): AsyncGenerator<Buffer> {
  const size = Number(info.size);
  await using file = await open(toPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  yield header(info, { type: 'file', name, size });
  for (let at = 0; at < size; ) {
    const piece = await readPiece(file, at, Math.min(PIECE, size - at));
    if (piece.length === 0) throw new CommandError(`${toPath(path)} became shorter while it was read`);
    at += piece.length;
    yield piece;
  }
  yield tarPadding(size);
}

async function readPiece(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
