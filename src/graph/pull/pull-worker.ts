import { run as verifyBlob } from '#content/verify-blob.ts';
import { invalid, isEngineError } from '#errors/errors.ts';
import type { Preparation } from '#graphdriver/driver.ts';
import type { Digest } from '#lib/digest.ts';
import { type Growth, readGrowing } from '#lib/growth.ts';
import { type LayerBlob, writeLayer } from '../layer-blob.ts';

export interface PullInput {
  /** The compressed blob, which is being downloaded. */
  path: string;
  growth: Growth;
  /** The file to write. */
  tarPath: string;
  /** What the blob must have. */
  digest: Digest;
  /** Bytes. */
  size: number;
  preparation?: Preparation;
}

/** Code of the error that says that the bytes which came are not those that were asked for. */
export const BLOB_CORRUPTED = 'BLOB_CORRUPTED';

/**
 * Makes a layer of a blob while it comes. Throws `BLOB_CORRUPTED` when the blob has another digest, and only when it has
 * the right one what else is wrong with it.
 */
export async function run(input: PullInput): Promise<LayerBlob> {
  const { path, growth, digest } = input;
  const layer = await unpack(input).catch(async (error: unknown) => {
    if (!isEngineError(error, 'invalid')) throw error;
    await untilComplete(path, growth);
    if (verifyBlob({ path, digest }) === undefined) throw corrupted(digest);
    throw error;
  });
  if (layer.source.digest !== digest) throw corrupted(digest);
  if (!layer.isTar) throw invalid(`layer ${digest} is not a tar archive`, { code: 'IMAGE_INVALID' });
  return layer;
}

async function unpack({ path, growth, tarPath, size, preparation }: PullInput): Promise<LayerBlob> {
  const { durable } = await writeLayer(readGrowing(path, growth), tarPath, { size, preparation });
  return durable;
}

async function untilComplete(path: string, growth: Growth): Promise<void> {
  for await (const _ of readGrowing(path, growth));
}

function corrupted(digest: Digest): Error {
  return invalid(`filesystem layer verification failed for digest ${digest}`, { code: BLOB_CORRUPTED });
}
