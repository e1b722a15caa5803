import type { MessagePort } from 'node:worker_threads';
import { receiveChunks } from '#lib/chunk-channel.ts';
import { type LayerBlob, writeLayer } from './layer-blob.ts';

export interface LayerInput {
  /** The layer, compressed or not, by `sendChunks`. */
  chunks: MessagePort;
  /** The file to write, in an ingest folder of the content store. */
  path: string;
}

/** Writes one layer that comes as a stream to the disk, uncompressed and hashed. */
export async function run({ chunks, path }: LayerInput): Promise<LayerBlob> {
  const { durable } = await writeLayer(receiveChunks(chunks), path);
  return durable;
}
