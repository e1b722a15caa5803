import { availableParallelism } from 'node:os';
import { type Transferable, Worker } from 'node:worker_threads';
import { cancelled, system } from '#errors/errors.ts';
import { type PortableError, reviveError } from './worker-errors.ts';

export interface PoolOptions {
  /** The most workers at a time; default: the number of processors, at least 2. */
  size?: number;
  /** Milliseconds after which a worker without work ends; default 10 s. */
  idleMs?: number;
}

export interface JobOptions {
  signal?: AbortSignal;
  /** Objects inside `input` that are moved instead of copied, for example a MessagePort. */
  transfer?: readonly Transferable[];
}

export type WorkerReply = { output: unknown } | { error: PortableError };

interface Job {
  module: string;
  input: unknown;
  transfer: readonly Transferable[];
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

interface Seat {
  worker: Worker;
  job?: Job;
  idleTimer?: NodeJS.Timeout;
}

const workerMain = new URL('./worker-thread.ts', import.meta.url);

/**
 * Runs heavy work (hashing, indexing, tree walks) off the main thread. A job is a module that exports
 * `run(input): output | Promise<output>`; input and output are copied by structured clone. Workers start when there is
 * work and end when there is none, so that an idle engine holds no extra heaps; an idle one does not keep the process alive.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #idleMs: number;
  readonly #seats = new Set<Seat>();
  readonly #queue: Job[] = [];

  constructor(options: PoolOptions = {}) {
    this.#size = options.size ?? Math.max(2, availableParallelism());
    this.#idleMs = options.idleMs ?? 10_000;
  }

  /** How many workers are alive. */
  get workers(): number {
    return this.#seats.size;
  }

  /**
   * Calls `run(input)` of `module` in a worker. Rejects with what it threw (EngineErrors keep their kind), with
   * `cancelled` when `signal` fires (the worker is ended at once, whatever it is doing), and with `system` when the
   * worker dies, for example out of memory.
   */
  run<Output>(module: URL, input: unknown, { signal, transfer = [] }: JobOptions = {}): Promise<Output> {
    if (signal?.aborted) return Promise.reject(cancelled('the work was cancelled', { cause: signal.reason }));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const job: Job = { module: module.href, input, transfer, resolve, reject };
    const onAbort = () => this.#cancel(job, cancelled('the work was cancelled', { cause: signal?.reason }));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(job);
    this.#dispatch();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort)) as Promise<Output>;
  }

  /** Ends all workers; jobs under way and waiting are cancelled. */
  async close(): Promise<void> {
    const reason = cancelled('the worker pool was closed');
    for (const job of this.#queue.splice(0)) job.reject(reason);
    await Promise.all(
      [...this.#seats].map((seat) => {
        seat.job?.reject(reason);
        return this.#dismiss(seat);
      }),
    );
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const free = [...this.#seats].find((seat) => !seat.job);
      const seat = free ?? (this.#seats.size < this.#size ? this.#hire() : undefined);
      if (!seat) return;
      this.#start(seat, this.#queue.shift()!);
    }
  }

  #hire(): Seat {
    const worker = new Worker(workerMain);
    const seat: Seat = { worker };
    this.#seats.add(seat);
    worker.on('message', (reply: WorkerReply) =>
      this.#finish(seat, (job) =>
        'error' in reply ? job.reject(reviveError(reply.error)) : job.resolve(reply.output),
      ),
    );
    worker.on('error', (cause: Error) => this.#fail(seat, system(`a worker thread died: ${cause.message}`, { cause })));
    worker.on('exit', (code) => this.#fail(seat, system(`a worker thread ended by itself with exit code ${code}`)));
    return seat;
  }

  #start(seat: Seat, job: Job): void {
    clearTimeout(seat.idleTimer);
    seat.job = job;
    seat.worker.ref();
    try {
      seat.worker.postMessage({ module: job.module, input: job.input }, job.transfer);
    } catch (error) {
      this.#finish(seat, () => job.reject(error));
    }
  }

  #finish(seat: Seat, settle: (job: Job) => void): void {
    if (seat.job) settle(seat.job);
    seat.job = undefined;
    seat.worker.unref();
    seat.idleTimer = setTimeout(() => this.#dismiss(seat), this.#idleMs).unref();
    this.#dispatch();
  }

  #fail(seat: Seat, error: Error): void {
    if (!this.#seats.has(seat)) return;
    seat.job?.reject(error);
    this.#dismiss(seat);
    this.#dispatch();
  }

  #cancel(job: Job, reason: Error): void {
    const position = this.#queue.indexOf(job);
    if (position >= 0) this.#queue.splice(position, 1)[0]!.reject(reason);
    for (const seat of this.#seats) if (seat.job === job) this.#fail(seat, reason);
  }

  #dismiss(seat: Seat): Promise<number> {
    clearTimeout(seat.idleTimer);
    this.#seats.delete(seat);
    return seat.worker.terminate();
  }
}

const shared = new WorkerPool();

/** Runs a job in the one pool that the whole process shares, as it shares its processors. See `WorkerPool.run`. */
export function runInWorker<Output>(module: URL, input: unknown, options?: JobOptions): Promise<Output> {
  return shared.run(module, input, options);
}
