import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { MessageChannel } from 'node:worker_threads';
import { compressBytes } from '#archive/compress-bytes.ts';
import type { CompressedFile, CompressRequest } from '#archive/compress-file.ts';
import type { ContentStore } from '#content/store.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import type { WorkerPool } from '#lib/worker-pool.ts';
import type { UploadSource } from '#registry/blob-upload.ts';
import type { Layers } from '../layers.ts';
import type { PushInput, PushNote } from './push-worker.ts';

export interface CompressedLayer extends UploadSource, AsyncDisposable {
  /** When it is complete. */
  file: Promise<CompressedFile>;
  /** Bytes of the tar that went into the first `sent` bytes of the blob, as far as one can tell. */
  rawBytes(sent: number): number;
}

const WORKER = new URL('./push-worker.ts', import.meta.url);
/** Bytes that are read at a time. */
const PIECE = 256 << 10;
/** Bytes of a tar up to which it is compressed in memory. */
const SMALL = 256 << 10;

/** Bytes as the source of an upload. */
export function sourceOf(bytes: Buffer, digest: Digest): UploadSource {
  return {
    reached: async () => ({ length: bytes.length, complete: true }),
    async *read(start, end) {
      yield bytes.subarray(start, end);
    },
    digest: async () => digest,
  };
}

/** Of the first `size` bytes of a file. */
async function compressSmall(
  path: string,
  size: number,
  compression: CompressRequest['compression'],
): Promise<CompressedLayer> {
  const tar = await buffer(createReadStream(path, { end: size - 1 }));
  const blob = await compressBytes(tar, compression);
  const digest = digestOf(blob);
  return {
    ...sourceOf(blob, digest),
    file: Promise.resolve({ digest, size: blob.length }),
    rawBytes: (sent) => Math.round((size / blob.length) * sent),
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * Begins to compress a layer, which must be pinned: a small one in memory, else into a file of its own that is gone when
 * the result is disposed. Its bytes can be read as they come. The promises reject as the worker fails, `cancelled` when
 * `signal` fires.
 */
export async function beginCompression(
  state: { content: ContentStore; layers: Layers },
  pool: WorkerPool,
  diffId: Digest,
  { compression, signal }: { compression: CompressRequest['compression']; signal: AbortSignal },
): Promise<CompressedLayer> {
  const { size } = state.layers.info(diffId)!;
  if (size <= SMALL) return compressSmall(state.content.pathOf(diffId), size, compression);
  const folder = await state.content.beginIngest();
  const target = join(folder, 'compressed');
  const { port1, port2 } = new MessageChannel();
  let read = 0;
  let written = 0;
  let complete = false;
  let wake = () => {};
  port1.on('message', (note: PushNote) => {
    [read, written] = note;
    wake();
  });
  const input: PushInput = { path: state.content.pathOf(diffId), size, target, compression, notes: port2 };
  const file = pool.run<CompressedFile>(WORKER, input, { signal, transfer: [port2] }).finally(() => port1.close());
  file.then(
    (made) => {
      written = made.size;
      read = size;
      complete = true;
      wake();
    },
    () => wake(),
  );
  return {
    file,
    rawBytes: (sent) => (written > 0 ? Math.round((read / written) * sent) : 0),
    async reached(length) {
      while (!complete && written < length) {
        const stepped = new Promise<void>((resolve) => (wake = resolve));
        await Promise.race([stepped, file]);
      }
      return { length: written, complete };
    },
    read: (start, end) => createReadStream(target, { start, end: end - 1, highWaterMark: PIECE }),
    digest: async () => (await file).digest,
    async [Symbol.asyncDispose]() {
      await file.catch(() => {});
      await state.content.endIngest(folder);
    },
  };
}
