import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest } from './job-worker.ts';
import { portableError } from './worker-errors.ts';

/** What runs in a pool's worker: imports the job's module, calls its `run`, posts one reply per job. */
const port = parentPort!;

/** Bytes of the heap when the first job began. */
let atFirst: number | undefined;

function heapSize(): number {
  const { total_heap_size, external_memory } = getHeapStatistics();
  return total_heap_size + external_memory;
}

async function work({ module, input }: WorkerRequest): Promise<WorkerReply['outcome']> {
  try {
    const job = await import(module);
    atFirst ??= heapSize();
    return { output: await job.run(input) };
  } catch (error) {
    return { error: portableError(error) };
  }
}

function post(outcome: WorkerReply['outcome']): void {
  port.postMessage({ outcome, grown: atFirst === undefined ? 0 : heapSize() - atFirst } satisfies WorkerReply);
}

port.on('message', async (request: WorkerRequest) => {
  const outcome = await work(request);
  try {
    post(outcome);
  } catch (error) {
    post({ error: portableError(error) });
  }
});
