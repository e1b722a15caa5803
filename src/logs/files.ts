import { type FileHandle, open, stat } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';

const READ_SIZE = 64 * 1024;
const NEWLINE = 10;

/** An open log file that is read line by line and remembers where it is, whatever it is called meanwhile. */
export interface LineReader {
  readonly inode: bigint;
  /** Complete lines between the last position and the end of the file, without their newline; empty = nothing new. */
  next(): Promise<string[]>;
  /** Moves to the last `count` lines; gives how many lines there are from there on (fewer in a shorter file). */
  seekTail(count: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Opens a log and its rotated files (path, path.1, path.2, ...), oldest first. They are opened from the newest on: a
 * rotation meanwhile moves files up, so that one may be met twice (and is dropped) but none is missed.
 */
export async function openLogFiles(path: string): Promise<LineReader[]> {
  const readers: LineReader[] = [];
  let gaps = 0;
  for (let index = 0; gaps < 2; index++) {
    const reader = await openLines(index === 0 ? path : `${path}.${index}`);
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
  const next = readers[readers.findIndex((reader) => reader.inode === current.inode) + 1];
  await Promise.all(readers.filter((reader) => reader !== next).map((reader) => reader.close()));
  return next;
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
  return lineReader(file, ino);
}

function lineReader(file: FileHandle, inode: bigint): LineReader {
  const buffer = Buffer.allocUnsafe(READ_SIZE);
  let position = 0;
  let rest = Buffer.alloc(0);
  return {
    inode,
    async next() {
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
      const tail = await findTail(file, buffer, count);
      position = tail.offset;
      return tail.lines;
    },
    close: () => file.close(),
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
