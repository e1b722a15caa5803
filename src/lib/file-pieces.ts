import { type FileHandle, open } from 'node:fs/promises';

/** Bytes of a piece: as much as a Unix socket takes at a time, and a little more. */
const PIECE = 256 << 10;
/** Shorter pieces have memory of their own: whoever sends them may not wait until they are sent. */
const OWN_MEMORY = 64 << 10;

/**
 * The first `size` bytes of a file (or all that there are), the next piece being read while one is worked on. The memory
 * of a piece of 64 KiB or more is used again: it is valid until the next piece is asked for.
 */
export async function* filePieces(path: string, size: number): AsyncGenerator<Buffer, void, void> {
  const file = await open(path, 'r');
  const buffers = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)] as const;
  try {
    let ahead = readPiece(file, buffers[0], 0, size);
    for (let at = 0, turn = 1; ; turn++) {
      const piece = await ahead;
      if (piece.length === 0) return;
      at += piece.length;
      ahead = readPiece(file, buffers[turn & 1]!, at, size);
      ahead.catch(() => {}); // thrown where it is awaited, if the reader gets there
      yield piece.length < OWN_MEMORY ? Buffer.from(piece) : piece;
    }
  } finally {
    await file.close();
  }
}

async function readPiece(file: FileHandle, buffer: Buffer, position: number, end: number): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
  return buffer.subarray(0, bytesRead);
}
