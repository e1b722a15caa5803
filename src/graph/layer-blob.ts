import { createHash } from 'node:crypto';
import { type Compression, decompress, detectCompression } from '#archive/compression.ts';
import { BLOCK, isZeroBlock, readHeader } from '#archive/tar-header.ts';
import { BlobWriter, type IngestedBlob } from '#content/blob-writer.ts';
import { invalid } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { peek } from '#lib/peek.ts';

/** A layer's uncompressed tar in the ingest folder; `digest` is its diffID. */
export interface LayerBlob extends IngestedBlob {
  /** The bytes that came: digest and length before decompression. */
  source: { digest: Digest; size: number; compression: Compression };
  /** It begins as a tar does. */
  isTar: boolean;
}

/**
 * Writes a layer that comes as a stream, compressed or not, to the new file `path`, hashing both forms on the way.
 * Gives a promise of its end: the bytes have all been taken, but are still on their way to the disk.
 */
export async function writeLayer(
  chunks: AsyncIterable<Buffer>,
  path: string,
): Promise<{ durable: Promise<LayerBlob> }> {
  const { head, all } = await peek(chunks, BLOCK);
  const compression = detectCompression(head);
  const writer = new BlobWriter(path);
  const source = createHash('sha256');
  let sourceSize = 0;
  let start = head;
  try {
    if (compression === 'none') {
      for await (const chunk of all) writer.write(chunk);
    } else {
      const plain = await peek(decompress(tap(all), compression), BLOCK);
      start = plain.head;
      for await (const chunk of plain.all) writer.write(chunk);
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const isTar = beginsAsTar(start);
  const durable = writer.finish().then((blob): LayerBlob => {
    const digest: Digest = compression === 'none' ? blob.digest : `sha256:${source.digest('hex')}`;
    const size = compression === 'none' ? blob.size : sourceSize;
    return { ...blob, isTar, source: { digest, size, compression } };
  });
  return { durable };

  /** Hashes what goes by. The decompressor works on while the chunk's buffer is used again: it gets a copy. */
  async function* tap(from: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of from) {
      source.update(chunk);
      sourceSize += chunk.length;
      yield Buffer.from(chunk);
    }
  }
}

function beginsAsTar(head: Buffer): boolean {
  if (head.length < BLOCK) return head.length === 0;
  const block = head.subarray(0, BLOCK);
  if (isZeroBlock(block)) return true;
  try {
    readHeader(block, (problem) => invalid(problem));
    return true;
  } catch {
    return false;
  }
}
