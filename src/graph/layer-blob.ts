import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type Compression, decompress, decompressInto, detectCompression } from '#archive/compression.ts';
import { BLOCK, isZeroBlock, readHeader } from '#archive/tar-header.ts';
import { BlobWriter, type IngestedBlob } from '#content/blob-writer.ts';
import { invalid } from '#errors/errors.ts';
import type { Preparation, PreparedLayer } from '#graphdriver/driver.ts';
import { LayerPreparation } from '#graphdriver/prepare-layer.ts';
import type { Digest } from '#lib/digest.ts';
import { peek } from '#lib/peek.ts';
import { releaseBytes } from '#lib/release-bytes.ts';
import { findProgram } from '#programs/find.ts';

/** A layer's uncompressed tar in the ingest folder; `digest` is its diffID. */
export interface LayerBlob extends IngestedBlob {
  /** The bytes that came: digest and length before decompression. */
  source: { digest: Digest; size: number; compression: Compression };
  /** It begins as a tar does. */
  isTar: boolean;
  /** What the driver's preparer has made of it. */
  prepared?: PreparedLayer;
}

export interface WriteOptions {
  /** Length of what comes, in bytes, where that is known. */
  size?: number;
  preparation?: Preparation;
}

/** Compressed bytes from which on a program of its own decompresses faster, though it has to be started. */
const WORTH_A_PROGRAM = 2 << 20;

/**
 * Writes a layer that comes as a stream, compressed or not, to the new file `path`, hashing both forms and preparing the
 * layer on the way. Gives a promise of its end: the bytes have all been taken, but are still on their way to the disk.
 */
export async function writeLayer(
  chunks: AsyncIterable<Buffer>,
  path: string,
  { size = Number.POSITIVE_INFINITY, preparation }: WriteOptions = {},
): Promise<{ durable: Promise<LayerBlob> }> {
  const { head, all } = await peek(chunks, BLOCK);
  const compression = detectCompression(head);
  const preparing = preparation && (await LayerPreparation.begin(preparation, basename(path)));
  const writer = new BlobWriter(path, preparing);
  const source = new SourceHash();
  try {
    if (compression === 'none') for await (const chunk of all) writer.write(chunk);
    else if (compression === 'gzip' && size >= WORTH_A_PROGRAM && (await findProgram('igzip'))) {
      await decompressInto(writer, source.watch(all));
    } else {
      const isSmall = size < WORTH_A_PROGRAM;
      for await (const chunk of decompress(source.watch(all), compression, { isSmall })) {
        writer.write(chunk);
        releaseBytes(chunk);
      }
    }
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const isTar = beginsAsTar(writer.head(BLOCK));
  const durable = writer.finish().then((blob): LayerBlob => {
    const came = compression === 'none' ? { digest: blob.digest, size: blob.size } : source.result();
    return { ...blob, isTar, prepared: preparing?.prepared, source: { ...came, compression } };
  });
  return { durable };
}

/** Hashes what goes by. */
class SourceHash {
  readonly #hash = createHash('sha256');
  #size = 0;

  async *watch(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
    for await (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#size += chunk.length;
      yield chunk;
    }
  }

  result(): { digest: Digest; size: number } {
    return { digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size };
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
