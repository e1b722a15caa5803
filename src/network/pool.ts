import { setTimeout as delay } from 'node:timers/promises';

export interface PoolOptions<T> {
  /** Makes one; its errors reach whoever takes from an empty pool. */
  make: () => Promise<T>;
  /** Undoes `make` for those that nobody took. */
  discard: (item: T) => Promise<void>;
  size: number;
  /** How long after the last `take` refilling begins (ms): while containers start, the machine is theirs. */
  idleMs: number;
  /** Told when refilling failed; it is tried again after the next `take`. */
  onError: (error: unknown) => void;
}

/** Things made ready in idle moments. What was taken never comes back. */
export class WarmPool<T> {
  readonly #options: PoolOptions<T>;
  readonly #ready: T[] = [];
  #lastTake = 0;
  #filling: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(options: PoolOptions<T>) {
    this.#options = options;
  }

  get ready(): number {
    return this.#ready.length;
  }

  /** The one that has been ready longest, or a new one when none is ready. */
  async take(): Promise<T> {
    this.#lastTake = performance.now();
    const item = this.#ready.shift();
    this.fill();
    return item ?? (await this.#options.make());
  }

  /** Begins to refill in the background. */
  fill(): void {
    if (this.#filling || this.#closing.signal.aborted) return;
    this.#filling = this.#fill()
      .catch((error) => this.#closing.signal.aborted || this.#options.onError(error))
      .then(() => {
        this.#filling = undefined;
      });
  }

  /** Resolves when the pool is full or refilling has failed. */
  async filled(): Promise<void> {
    await this.#filling;
  }

  /** Stops refilling and discards what is ready. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#filling;
    await Promise.all(this.#ready.splice(0).map((item) => this.#options.discard(item)));
  }

  async #fill(): Promise<void> {
    while (this.#ready.length < this.#options.size) {
      await this.#untilIdle();
      this.#ready.push(await this.#options.make());
    }
  }

  async #untilIdle(): Promise<void> {
    const { idleMs } = this.#options;
    const remaining = () => (this.#lastTake === 0 ? 0 : this.#lastTake + idleMs - performance.now());
    while (remaining() > 0) await delay(remaining(), undefined, { signal: this.#closing.signal, ref: false });
    this.#closing.signal.throwIfAborted();
  }
}
