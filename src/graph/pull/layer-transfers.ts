import type { ContentStore } from '#content/store.ts';
import { cancelled, invalid, isEngineError } from '#errors/errors.ts';
import type { GraphDriver } from '#graphdriver/driver.ts';
import type { Digest } from '#lib/digest.ts';
import { KeyedMutex, Semaphore } from '#lib/locks.ts';
import { WorkerPool } from '#lib/worker-pool.ts';
import type { BlobSource } from '#registry/blob-download.ts';
import type { LayerBlob } from '../layer-blob.ts';
import type { Layers } from '../layers.ts';
import type { LayerProgress } from '../transfer-progress.ts';
import { downloadLayer, type LayerDownload } from './layer-download.ts';

export interface TransferOptions {
  content: ContentStore;
  driver: Pick<GraphDriver, 'beginPreparing' | 'endPreparing'>;
  layers: Layers;
  /** Blobs that are downloaded at a time. */
  downloads: number;
  /** Blobs whose layer is here are kept. */
  keepCompressed: boolean;
}

/** Who waits for a layer. */
export interface Watcher {
  onProgress(progress: LayerProgress): void;
  signal: AbortSignal;
}

/** One layer on its way, for everybody who wants it. */
interface Transfer {
  watchers: Set<Watcher>;
  /** For those who come later. */
  last: LayerProgress;
  abort: AbortController;
  /** The diffID of what came; the layer is mountable. */
  done: Promise<Digest>;
}

/** Layers that are unpacked at a time, whatever the machine: each has a worker, with a tree of all files of the layer in its heap. */
const UNPACKING = 2;

/**
 * The layers that come from registries. Who wants a layer that is on its way already joins; when the last one leaves, the
 * transfer ends, and what it has brought waits for the next.
 */
export class LayerTransfers {
  readonly #options: TransferOptions;
  readonly #transfers = new Map<Digest, Transfer>();
  readonly #folders = new KeyedMutex();
  readonly #downloads: Semaphore;
  readonly #pool = new WorkerPool({ size: UNPACKING });

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#downloads = new Semaphore(options.downloads);
  }

  /**
   * Brings the layer that the blob of `source` holds and makes it mountable; the caller has pinned `diffId`. Throws
   * `invalid` when the blob holds another layer, `cancelled` when the watcher's signal fires, and as `downloadLayer` does.
   */
  async bring(source: BlobSource, diffId: Digest, watcher: Watcher): Promise<void> {
    if (watcher.signal.aborted) throw cancelled('the pull was cancelled');
    const transfer = this.#transfers.get(source.digest) ?? this.#begin(source);
    transfer.watchers.add(watcher);
    watcher.onProgress(transfer.last);
    const found = await this.#wait(source.digest, transfer, watcher);
    if (found === diffId) return;
    throw invalid(`layers from manifest don't match image configuration: blob ${source.digest} holds layer ${found}`, {
      code: 'DIGEST_MISMATCH',
    });
  }

  /** The layers of these blobs, which are here, belong to an image: what was downloaded is dropped, or kept for a push. */
  async finish(digests: Iterable<Digest>): Promise<void> {
    const { content, keepCompressed } = this.#options;
    const end = keepCompressed ? content.keepDownload : content.endDownload;
    for (const digest of digests) {
      if (!this.#transfers.has(digest)) await this.#folders.run(digest, () => end(digest));
    }
  }

  /** How many blobs are downloaded at a time from now on. */
  limitDownloads(most: number): void {
    this.#downloads.resize(most);
  }

  /** Ends all transfers. */
  async close(): Promise<void> {
    const transfers = [...this.#transfers.values()];
    for (const { abort } of transfers) abort.abort();
    await Promise.allSettled(transfers.map(({ done }) => done));
    await this.#pool.close();
  }

  async #wait(digest: Digest, transfer: Transfer, watcher: Watcher): Promise<Digest> {
    const { signal } = watcher;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => {
      transfer.watchers.delete(watcher);
      if (transfer.watchers.size === 0) {
        this.#forget(digest, transfer);
        transfer.abort.abort();
      }
      reject(cancelled('the pull was cancelled'));
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([transfer.done, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      transfer.watchers.delete(watcher);
    }
  }

  #begin(source: BlobSource): Transfer {
    const { digest } = source;
    const abort = new AbortController();
    const watchers = new Set<Watcher>();
    const onProgress = (progress: LayerProgress) => {
      transfer.last = progress;
      for (const watcher of watchers) watcher.onProgress(progress);
    };
    // One that was given up may still be writing into the folder.
    const done = this.#folders.run(digest, () => this.#transfer(source, onProgress, abort.signal));
    const transfer: Transfer = { watchers, last: { status: 'Waiting' }, abort, done };
    done.catch(() => {}).then(() => this.#forget(digest, transfer));
    this.#transfers.set(digest, transfer);
    return transfer;
  }

  async #transfer(source: BlobSource, onProgress: Watcher['onProgress'], signal: AbortSignal): Promise<Digest> {
    const { content, driver, layers } = this.#options;
    const preparation = await driver.beginPreparing();
    try {
      const layer = await this.#download({ source, preparation, onProgress, signal });
      layers.pin(layer.digest);
      await layers.provide(layer.digest, layer).finally(() => layers.unpin([layer.digest]));
      return layer.digest;
    } catch (error) {
      // What is wrong with the blob itself will not be better next time.
      if (isEngineError(error, 'invalid')) await content.endDownload(source.digest);
      throw error;
    } finally {
      if (preparation) await driver.endPreparing(preparation);
    }
  }

  /** In its turn, which is over when all bytes have come: while they are unpacked the next layer comes. */
  async #download(wanted: Pick<LayerDownload, 'source' | 'preparation' | 'onProgress' | 'signal'>): Promise<LayerBlob> {
    const { promise: fetched, resolve: onFetched } = Promise.withResolvers<void>();
    const { layer } = await this.#downloads.run(async () => {
      const folder = await this.#options.content.beginDownload(wanted.source.digest);
      const layer = downloadLayer({ ...wanted, folder, pool: this.#pool, onFetched });
      await Promise.race([fetched, layer]);
      return { layer };
    }, wanted.signal);
    return layer;
  }

  #forget(digest: Digest, transfer: Transfer): void {
    if (this.#transfers.get(digest) === transfer) this.#transfers.delete(digest);
  }
}
