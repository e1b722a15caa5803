import { availableParallelism } from 'node:os';
import type { Transferable } from 'node:worker_threads';
import { cancelled } from '#errors/errors.ts';
import type { JobWorker, WorkerRequest } from './job-worker.ts';
import { reviveError } from './worker-errors.ts';
import { WorkerStock } from './worker-stock.ts';

export interface PoolOptions {
  /** The most jobs at a time; default: the number of processors, at least 2. */
  size?: number;
  /** Where workers come from and go to; default: the process's. */
  stock?: WorkerStock;
}

export interface JobOptions {
  signal?: AbortSignal;
  /** Objects inside `input` that are moved instead of copied, for example a MessagePort. */
  transfer?: readonly Transferable[];
}

interface Job {
  request: WorkerRequest;
  transfer: readonly Transferable[];
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

const processStock = new WorkerStock();

/**
 * Runs heavy work (hashing, indexing, tree walks) off the main thread. A job is a module that exports
 * `run(input): output | Promise<output>`; input and output are copied by structured clone. Workers start when there is
 * work and end when there is none, so that an idle engine holds no extra heaps.
 */
export class WorkerPool {
  readonly #size: number;
  readonly #stock: WorkerStock;
  readonly #running = new Map<Job, JobWorker>();
  readonly #queue: Job[] = [];

  constructor({ size = Math.max(2, availableParallelism()), stock = processStock }: PoolOptions = {}) {
    this.#size = size;
    this.#stock = stock;
  }

  /**
   * Calls `run(input)` of `module` in a worker. Rejects with what it threw (EngineErrors keep their kind), with
   * `cancelled` when `signal` fires (the worker is ended at once, whatever it is doing), and with `system` when the
   * worker dies, for example out of memory.
   */
  run<Output>(module: URL, input: unknown, { signal, transfer = [] }: JobOptions = {}): Promise<Output> {
    if (signal?.aborted) return Promise.reject(cancelled('the work was cancelled', { cause: signal.reason }));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const job: Job = { request: { module: module.href, input }, transfer, resolve, reject };
    const onAbort = () => this.#cancel(job, cancelled('the work was cancelled', { cause: signal?.reason }));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(job);
    this.#dispatch();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort)) as Promise<Output>;
  }

  /** Cancels the jobs that are under way or waiting. */
  async close(): Promise<void> {
    const reason = cancelled('the worker pool was closed');
    for (const job of this.#queue.splice(0)) job.reject(reason);
    await Promise.all([...this.#running.values()].map((worker) => worker.end(reason)));
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && this.#running.size < this.#size) void this.#work(this.#queue.shift()!);
  }

  async #work(job: Job): Promise<void> {
    const worker = this.#stock.take();
    this.#running.set(job, worker);
    try {
      const { outcome, grown } = await worker.run(job.request, job.transfer);
      if ('error' in outcome) job.reject(reviveError(outcome.error));
      else job.resolve(outcome.output);
      await this.#stock.giveBack(worker, grown);
    } catch (error) {
      job.reject(error);
      await worker.end(error as Error);
    } finally {
      this.#running.delete(job);
      this.#dispatch();
    }
  }

  #cancel(job: Job, reason: Error): void {
    const position = this.#queue.indexOf(job);
    if (position >= 0) this.#queue.splice(position, 1)[0]!.reject(reason);
    void this.#running.get(job)?.end(reason);
  }
}

const shared = new WorkerPool();

/** Runs a job in the one pool that the whole process shares, as it shares its processors. See `WorkerPool.run`. */
export function runInWorker<Output>(module: URL, input: unknown, options?: JobOptions): Promise<Output> {
  return shared.run(module, input, options);
}
