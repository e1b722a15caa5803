import { type FileHandle, open, stat } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import { openDecompressed } from './compressed.ts';

const READ_SIZE = 64 * 1024;
const NEWLINE = 10;

/** An open log file that is read line by line and remembers where it is, whatever it is called meanwhile. */
export interface LineReader {
  readonly inode: bigint;
  /** When it was last written to, in ns; a file that was compressed keeps the time of what it was. */
  modified(): Promise<bigint>;
  /** Complete lines between the last position and the end of the file, without their newline; empty = nothing new. */
  next(): Promise<string[]>;
  /** Moves to the last `count` lines; gives how many lines there are from there on (fewer in a shorter file). */
  seekTail(count: number): Promise<number>;
  close(): Promise<void>;
}

/** So often are the files of a log opened anew that was rotated meanwhile: some logs are rotated all the time. */
const ATTEMPTS = 100;

/** Opens a log and its rotated files (path, path.1, path.2, ...), oldest first. */
export async function openLogFiles(path: string): Promise<LineReader[]> {
  for (let attempt = 1; ; attempt++) {
    const readers = await openAll(path);
    if (attempt === ATTEMPTS || (await inodeOf(path)) === readers.at(-1)?.inode) return readers;
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/**
 * They are opened from the newest on: a rotation meanwhile moves files up, so that one may be met twice (and is dropped)
 * but none is missed. After two rotations a newer one may be among the older ones.
 */
async function openAll(path: string): Promise<LineReader[]> {
  const readers: LineReader[] = [];
  let gaps = 0;
  for (let index = 0; gaps < 2; index++) {
    const reader = index === 0 ? await openLines(path) : await openRotated(`${path}.${index}`);
    gaps = reader ? 0 : gaps + 1; // one name is free for a moment between two steps of a rotation
    if (!reader) continue;
    if (readers.some((known) => known.inode === reader.inode)) await reader.close();
    else readers.unshift(reader);
  }
  return readers;
}

/**
 * The file that follows `current` when that one was rotated away; nothing is written to `current` any more, so that
 * reading it once more after this call reads it to its end. Undefined while it is the newest.
 */
export async function openSuccessor(path: string, current: LineReader): Promise<LineReader | undefined> {
  const inode = await inodeOf(path);
  if (inode === undefined || inode === current.inode) return undefined;
  const readers = await openLogFiles(path);
  const next = readers[(await placeOf(current, readers)) + 1];
  await Promise.all(readers.filter((reader) => reader !== next).map((reader) => reader.close()));
  return next;
}

/** Where `current` is among `readers`, perhaps as the compressed file that was made of it; -1 = it is gone. */
async function placeOf(current: LineReader, readers: LineReader[]): Promise<number> {
  const place = readers.findIndex((reader) => reader.inode === current.inode);
  if (place >= 0) return place;
  const time = await current.modified();
  const times = await Promise.all(readers.slice(0, -1).map((reader) => reader.modified()));
  return times.indexOf(time);
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await stat(path, { bigint: true })).ino;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function openLines(path: string): Promise<LineReader | undefined> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const { ino } = await file.stat({ bigint: true });
  const modified = async () => (await file.stat({ bigint: true })).mtimeNs;
  return lineReader(async () => file, { inode: ino, modified, close: () => file.close() });
}

/** A file that was rotated away: as it was, or compressed. gzip removes the first when the second is whole. */
async function openRotated(path: string): Promise<LineReader | undefined> {
  return (await openLines(path)) ?? (await openCompressed(`${path}.gz`));
}

/** Decompressed when it is read, not before. */
async function openCompressed(path: string): Promise<LineReader | undefined> {
  const info = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (errnoCode(error) !== 'ENOENT') throw error;
  });
  if (!info) return undefined;
  let opened: Promise<FileHandle> | undefined;
  const file = () => {
    opened ??= openDecompressed(path);
    return opened;
  };
  const close = async () => (await opened?.catch(() => undefined))?.close();
  return lineReader(file, { inode: info.ino, modified: async () => info.mtimeNs, close });
}

function lineReader(
  opened: () => Promise<FileHandle>,
  identity: Pick<LineReader, 'inode' | 'modified' | 'close'>,
): LineReader {
  const buffer = Buffer.allocUnsafe(READ_SIZE);
  let position = 0;
  let rest = Buffer.alloc(0);
  return {
    ...identity,
    async next() {
      const file = await opened();
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, READ_SIZE, position);
        if (bytesRead === 0) {
          if ((await file.stat()).size >= position) return [];
          position = 0; // rotated in place (max-file=1): the file was cut and begins again
          rest = Buffer.alloc(0);
          continue;
        }
        position += bytesRead;
        const chunk = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = chunk.lastIndexOf(NEWLINE);
        rest = chunk.subarray(end + 1);
        if (end >= 0) return chunk.toString('utf8', 0, end).split('\n');
      }
    },
    async seekTail(count) {
      const tail = await findTail(await opened(), buffer, count);
      position = tail.offset;
      return tail.lines;
    },
  };
}

async function findTail(file: FileHandle, buffer: Buffer, count: number): Promise<{ offset: number; lines: number }> {
  const { size } = await file.stat();
  if (count === 0) return { offset: size, lines: 0 };
  let lines = 0;
  let start = size;
  while (start > 0) {
    const length = Math.min(READ_SIZE, start);
    start -= length;
    await file.read(buffer, 0, length, start);
    for (let i = length - 1; i >= 0; i--) {
      if (buffer[i] !== NEWLINE || start + i === size - 1) continue;
      if (++lines === count) return { offset: start + i + 1, lines };
    }
  }
  return { offset: 0, lines: size > 0 ? lines + 1 : 0 };
}
