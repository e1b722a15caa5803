import type { MessagePort } from 'node:worker_threads';
import { cancelled } from '#errors/errors.ts';

/**
 * Carries a stream of bytes into a worker. The sender gathers the small chunks of a socket into a few large buffers, which
 * both sides share and only one works on at a time; so a message costs nothing per byte, memory is bounded, and a slow
 * worker slows the source down. (Buffers that are moved would count as new memory with each message: constant collection.)
 */

/** Bytes per buffer. */
const BUFFER_SIZE = 256 << 10;
/** Buffers of one channel: one being filled, one being worked on, the rest smooths. */
const BUFFERS = 5;

type ToWorker = { buffer: SharedArrayBuffer; length: number } | { end: true } | { error: string };
type FromWorker = { buffer: SharedArrayBuffer };

/**
 * Sends all of `source`, then the end; a failure of the source (or `signal`) is sent as the stream's failure and thrown
 * here as well. When the worker closes its port before the end, the rest of the source is left unread.
 */
export async function sendChunks(
  port: MessagePort,
  source: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const free = Array.from({ length: BUFFERS }, () => new SharedArrayBuffer(BUFFER_SIZE));
  let closed = false;
  let wake = () => {};
  port.on('message', ({ buffer }: FromWorker) => {
    free.push(buffer);
    wake();
  });
  const stop = () => {
    closed = true;
    wake();
  };
  port.on('close', stop);
  signal?.addEventListener('abort', stop, { once: true });
  const post = (message: ToWorker) => port.postMessage(message);
  let filling = free.pop()!;
  let length = 0;
  const flush = () => {
    post({ buffer: filling, length });
    length = 0;
  };
  try {
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; ) {
        const count = Math.min(BUFFER_SIZE - length, chunk.length - at);
        copyBytes(chunk, at, filling, length, count);
        length += count;
        at += count;
        if (length < BUFFER_SIZE) continue;
        flush();
        while (free.length === 0 && !closed) await new Promise<void>((resolve) => (wake = resolve));
        if (closed) break;
        filling = free.pop()!;
      }
      if (closed) break;
    }
    if (signal?.aborted) throw cancelled('the stream was cancelled', { cause: signal.reason });
    if (closed) return;
    if (length > 0) flush();
    post({ end: true });
  } catch (error) {
    post({ error: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    port.unref();
  }
}

/** What `set` of a typed array does, at twice the speed for memory that is shared. */
function copyBytes(from: Uint8Array, at: number, to: SharedArrayBuffer, position: number, count: number): void {
  Buffer.from(from.buffer, from.byteOffset + at, count).copy(Buffer.from(to), position);
}

/**
 * The worker's end: the bytes in order. A chunk is valid until the next one is asked for. Throws `cancelled` when the
 * sender failed. Leaving the loop early closes the port, so that the sender stops.
 */
export async function* receiveChunks(port: MessagePort): AsyncGenerator<Buffer, void, void> {
  const queue: ToWorker[] = [];
  let wake = () => {};
  const enqueue = (message: ToWorker) => {
    queue.push(message);
    wake();
  };
  port.on('message', enqueue);
  port.on('close', () => enqueue({ error: 'the sender is gone' }));
  try {
    for (;;) {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const message = queue.shift()!;
      if ('end' in message) return;
      if ('error' in message) throw cancelled(`the stream ended early: ${message.error}`);
      yield Buffer.from(message.buffer, 0, message.length);
      port.postMessage({ buffer: message.buffer } satisfies FromWorker);
    }
  } finally {
    port.close();
  }
}
