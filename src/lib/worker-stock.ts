import { cancelled } from '#errors/errors.ts';
import { JobWorker } from './job-worker.ts';

export interface StockOptions {
  /** Milliseconds after which a worker that nobody has taken ends; default 0.4 s. */
  idleMs?: number;
}

/** Bytes of growth with which a worker is not kept: a next job would begin with what the last one has left. */
const MAX_GROWTH = 8 << 20;

/** Workers without work, whichever pool they come from and go to: what has compressed for a push unpacks for a pull. */
export class WorkerStock {
  readonly #idleMs: number;
  /** Each with the timer that ends it. */
  readonly #idle = new Map<JobWorker, NodeJS.Timeout>();

  constructor({ idleMs = 400 }: StockOptions = {}) {
    this.#idleMs = idleMs;
  }

  /** How many workers wait. */
  get size(): number {
    return this.#idle.size;
  }

  /** The worker that came last, or a new one. */
  take(): JobWorker {
    for (const worker of [...this.#idle.keys()].reverse()) {
      clearTimeout(this.#idle.get(worker));
      this.#idle.delete(worker);
      if (!worker.ended) return worker;
    }
    return new JobWorker();
  }

  /** Takes a worker that has done its job, and whose heap has grown by so many bytes. Resolves when its memory is free, or kept. */
  async giveBack(worker: JobWorker, grown: number): Promise<void> {
    const end = () => {
      this.#idle.delete(worker);
      return worker.end(cancelled('the worker is not needed'));
    };
    if (grown > MAX_GROWTH) await end();
    else this.#idle.set(worker, setTimeout(end, this.#idleMs).unref());
  }
}
