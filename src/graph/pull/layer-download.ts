import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppendQueue } from '#content/append-queue.ts';
import { PartialBlob } from '#content/partial-blob.ts';
import { isEngineError } from '#errors/errors.ts';
import type { Preparation } from '#graphdriver/driver.ts';
import { newGrowth, readOf, tellGrowth } from '#lib/growth.ts';
import type { WorkerPool } from '#lib/worker-pool.ts';
import { BLOB_CHANGED, type BlobSource, downloadBlob } from '#registry/blob-download.ts';
import { backOff, pause } from '#registry/retry.ts';
import type { LayerBlob } from '../layer-blob.ts';
import type { LayerProgress } from '../transfer-progress.ts';
import { BLOB_CORRUPTED, type PullInput } from './pull-worker.ts';

export interface LayerDownload {
  source: BlobSource;
  /** A folder of `ContentStore.beginDownload`. */
  folder: string;
  preparation: Preparation | undefined;
  pool: WorkerPool;
  /** All bytes have come, as far as can be told by then; the rest is work on them. */
  onFetched(): void;
  onProgress(progress: LayerProgress): void;
  signal: AbortSignal;
}

const WORKER = new URL('./pull-worker.ts', import.meta.url);
/** ms between two looks at how far a worker is. */
const LOOK = 100;
/** Downloads of one blob from its first byte on, because what came was of no use. */
const MAX_RESTARTS = 3;

/**
 * Brings a layer from a registry: its compressed bytes go to the disk, and a worker follows them there, decompressing and
 * hashing. Goes on with what an earlier download has left, and leaves what it has when it fails. Throws `invalid` for a blob
 * that is not what it should be, and as `downloadBlob` does.
 */
export async function downloadLayer(download: LayerDownload): Promise<LayerBlob> {
  const { source, folder, signal } = download;
  const partial = await PartialBlob.open(folder);
  try {
    for (let restarts = 0; ; restarts++) {
      await removeTars(folder);
      try {
        return await downloadOnce(download, partial);
      } catch (error) {
        const useless = isEngineError(error) && (error.code === BLOB_CHANGED || error.code === BLOB_CORRUPTED);
        if (!useless || restarts >= MAX_RESTARTS) throw error;
        await partial.restart();
        await pause(backOff(source.session.backOff, restarts + 1), signal);
      }
    }
  } finally {
    await partial.close();
  }
}

async function downloadOnce(download: LayerDownload, partial: PartialBlob): Promise<LayerBlob> {
  const { source, folder, preparation, pool, onProgress } = download;
  const growth = newGrowth();
  const broken = new AbortController();
  const signal = AbortSignal.any([download.signal, broken.signal]);
  const stopOther = (error: unknown) => {
    broken.abort(error);
    throw error;
  };
  const input: PullInput = {
    path: partial.path,
    growth,
    tarPath: join(folder, `tar-${randomUUID()}`),
    digest: source.digest,
    size: source.size,
    preparation,
  };
  tellGrowth(growth, partial.size, false);
  const unpacking = pool.run<LayerBlob>(WORKER, input, { signal }).catch(stopOther);
  const fetching = fetchRest(source, partial, growth, { onProgress, signal }).catch(stopOther);
  fetching.then(
    () => {
      download.onFetched();
      return showUnpacking(unpacking, () => readOf(growth), source.size, onProgress);
    },
    () => {},
  );
  const [layer, fetched] = await Promise.allSettled([unpacking, fetching]);
  if (layer.status === 'fulfilled' && fetched.status === 'fulfilled') return layer.value;
  // The one that failed first has stopped the other.
  throw broken.signal.reason;
}

async function fetchRest(
  source: BlobSource,
  partial: PartialBlob,
  growth: ReturnType<typeof newGrowth>,
  { onProgress, signal }: Pick<LayerDownload, 'onProgress' | 'signal'>,
): Promise<void> {
  const total = source.size;
  if (partial.size > total) await partial.restart();
  const chunks = downloadBlob(source, {
    offset: partial.size,
    validator: partial.validator,
    onValidator: (etag) => partial.setValidator(etag),
    signal,
  });
  const queue = new AppendQueue(partial, () => {
    tellGrowth(growth, partial.size, false);
    onProgress({ status: 'Downloading', current: partial.size, total });
  });
  try {
    for await (const chunk of chunks) await queue.add(chunk);
  } finally {
    await queue.close();
  }
  onProgress({ status: 'Verifying Checksum' });
  tellGrowth(growth, partial.size, true);
  onProgress({ status: 'Download complete' });
}

async function showUnpacking(
  unpacking: Promise<unknown>,
  position: () => number,
  total: number,
  onProgress: LayerDownload['onProgress'],
): Promise<void> {
  const show = () => onProgress({ status: 'Extracting', current: position(), total });
  show();
  const timer = setInterval(show, LOOK).unref();
  const ended = await unpacking.then(
    () => true,
    () => false,
  );
  clearInterval(timer);
  if (ended) show();
}

/** What an earlier worker was writing. */
async function removeTars(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('tar-')) await rm(join(folder, name), { force: true });
}
