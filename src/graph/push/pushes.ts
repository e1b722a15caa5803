import type { Digest } from '#lib/digest.ts';
import { KeyedMutex, Semaphore } from '#lib/locks.ts';
import { WorkerPool } from '#lib/worker-pool.ts';

/** Layers that are compressed at a time, whatever the machine: each has a worker. */
const COMPRESSING = 2;

/** What all pushes share. */
export class Pushes {
  readonly #uploads: Semaphore;
  readonly #layers = new KeyedMutex();
  readonly compressors = new WorkerPool({ size: COMPRESSING });

  /** `uploads` layers are sent at a time. */
  constructor(uploads: number) {
    this.#uploads = new Semaphore(uploads);
  }

  /** How many layers are uploaded at a time from now on. */
  limitUploads(most: number): void {
    this.#uploads.resize(most);
  }

  /** Runs `work` when it is its turn; two pushes of one layer to one repository follow each other. */
  run<T>(repository: string, diffId: Digest, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#layers.run(`${repository} ${diffId}`, () => this.#uploads.run(work, signal));
  }

  /** Ends what is being compressed. */
  close(): Promise<void> {
    return this.compressors.close();
  }
}
