import { parentPort } from 'node:worker_threads';
import { portableError } from './worker-errors.ts';
import type { WorkerReply } from './worker-pool.ts';

/** What runs in a pool's worker: imports the job's module, calls its `run`, posts one reply per job. */
const port = parentPort!;

async function work(module: string, input: unknown): Promise<WorkerReply> {
  try {
    const job = await import(module);
    return { output: await job.run(input) };
  } catch (error) {
    return { error: portableError(error) };
  }
}

port.on('message', async ({ module, input }: { module: string; input: unknown }) => {
  const reply = await work(module, input);
  try {
    port.postMessage(reply);
  } catch (error) {
    port.postMessage({ error: portableError(error) });
  }
});
