import { createReadStream } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/**
 * What is in a gzip file, as a file that has no name and goes when it is closed: a log is searched from its end, and a
 * compressed file can only be read from its beginning.
 */
export async function openDecompressed(path: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-log-'));
  try {
    const file = await open(join(folder, 'lines'), 'wx+', 0o600);
    try {
      await pipeline(createReadStream(path), createGunzip(), async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) await file.writeFile(piece);
      });
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
