import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { isEngineError } from '#errors/errors.ts';
import { sendChunks } from '#lib/chunk-channel.ts';
import type { WorkerPool } from '#lib/worker-pool.ts';

/**
 * Runs `module` in a worker that reads `source` through the port `chunks` of its input (`receiveChunks`), and gives what
 * it gives. Of several failures the first cause is thrown; `signal` ends both sides.
 */
export async function feedWorker<Output>(
  pool: WorkerPool,
  module: URL,
  input: object,
  source: AsyncIterable<Uint8Array>,
  { transfer = [], signal }: { transfer?: readonly MessagePort[]; signal?: AbortSignal } = {},
): Promise<Output> {
  const { port1, port2 } = new MessageChannel();
  const reading = pool.run<Output>(module, { ...input, chunks: port2 }, { transfer: [port2, ...transfer], signal });
  const sending = sendChunks(port1, source, signal);
  try {
    const [read, sent] = await Promise.allSettled([reading, sending]);
    if (sent.status === 'rejected' && !(read.status === 'rejected' && !isEngineError(read.reason, 'cancelled'))) {
      throw sent.reason;
    }
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  } finally {
    port1.close();
  }
}
