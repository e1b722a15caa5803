import { type Transferable, Worker } from 'node:worker_threads';
import { system } from '#errors/errors.ts';
import type { PortableError } from './worker-errors.ts';

/** What a worker is asked: to call `run(input)` of a module. */
export interface WorkerRequest {
  module: string;
  input: unknown;
}

export interface WorkerReply {
  outcome: { output: unknown } | { error: PortableError };
  /** Bytes by which the worker's heap has grown since its first job began, garbage included. */
  grown: number;
}

const workerMain = new URL('./worker-thread.ts', import.meta.url);

/** A thread that runs jobs, one at a time. It does not keep the process alive while it has none. */
export class JobWorker {
  readonly #worker = new Worker(workerMain);
  #pending: PromiseWithResolvers<WorkerReply> | undefined;
  #ended = false;

  constructor() {
    this.#worker.on('message', (reply: WorkerReply) => this.#take()?.resolve(reply));
    this.#worker.on('error', (cause: Error) => this.#fail(system(`a worker thread died: ${cause.message}`, { cause })));
    this.#worker.on('exit', (code) => this.#fail(system(`a worker thread ended by itself with exit code ${code}`)));
  }

  /** It can run no further job. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Runs a job. Rejects with `system` when the thread dies, with the reason when it is ended. */
  run(request: WorkerRequest, transfer: readonly Transferable[]): Promise<WorkerReply> {
    this.#worker.postMessage(request, transfer);
    this.#worker.ref();
    this.#pending = Promise.withResolvers();
    return this.#pending.promise;
  }

  /** Ends the thread, whatever it is doing. Resolves when it has ended. */
  async end(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#ended = true;
    this.#take()?.reject(error);
  }

  #take(): PromiseWithResolvers<WorkerReply> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#worker.unref();
    return pending;
  }
}
