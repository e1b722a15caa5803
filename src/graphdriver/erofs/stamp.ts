import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import type { LayerStat } from '../driver.ts';
import { SUPERBLOCK_OFFSET } from './format.ts';

/**
 * What an index says about itself in the 1024 bytes before its superblock, as JSON padded with zeros. The kernel does
 * not check that a tar is the one an index was made for; `tar` is how the driver does.
 */
export interface Stamp {
  diffId: string;
  tar: TarIdentity;
  layer: LayerStat;
}

/** Changes when the file is replaced or written to. Decimal digits; times in ns. */
export interface TarIdentity {
  inode: string;
  size: string;
  mtime: string;
  ctime: string;
}

export function identify(stats: BigIntStats): TarIdentity {
  return {
    inode: String(stats.ino),
    size: String(stats.size),
    mtime: String(stats.mtimeNs),
    ctime: String(stats.ctimeNs),
  };
}

export function sameTar(a: TarIdentity, b: TarIdentity): boolean {
  return a.inode === b.inode && a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime;
}

/** The first bytes of an index. */
export function encodeStamp(stamp: Stamp): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK_OFFSET);
  bytes.write(`${JSON.stringify(stamp)}\n`);
  return bytes;
}

/** The stamp of an index, or undefined if there is no such file or it has none. */
export async function readStamp(indexPath: string): Promise<Stamp | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(indexPath);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SUPERBLOCK_OFFSET), 0, SUPERBLOCK_OFFSET, 0);
    return JSON.parse(buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0]!) as Stamp;
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}
