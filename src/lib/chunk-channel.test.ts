import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { isEngineError } from '#errors/errors.ts';
import { receiveChunks, sendChunks } from './chunk-channel.ts';

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function transport(source: AsyncIterable<Uint8Array>): Promise<{ digest: string; chunks: number }> {
  const { port1, port2 } = new MessageChannel();
  const sending = sendChunks(port1, source);
  sending.catch(() => {});
  const hash = createHash('sha256');
  let chunks = 0;
  for await (const chunk of receiveChunks(port2)) {
    hash.update(chunk);
    chunks++;
  }
  await sending;
  port1.close();
  return { digest: hash.digest('hex'), chunks };
}

for (const [length, size] of [
  [0, 1],
  [1, 1],
  [100_000, 7],
  [1 << 20, 65_536],
  [12_345_678, 32_768],
  [9_000_000, 9_000_000],
] as const) {
  test(`${length} bytes in pieces of ${size} arrive whole, in few large chunks`, async () => {
    const bytes = randomBytes(length);
    const { digest, chunks } = await transport(pieces(bytes, size));
    assert.equal(digest, createHash('sha256').update(bytes).digest('hex'));
    assert.equal(chunks, Math.ceil(length / (256 << 10)));
  });
}

test('a slow receiver slows the source down', async () => {
  const { port1, port2 } = new MessageChannel();
  let produced = 0;
  const source = (async function* () {
    for (; produced < 40; produced++) yield Buffer.alloc(1 << 20);
  })();
  const sending = sendChunks(port1, source);
  const received = receiveChunks(port2);
  await received.next();
  await sleep(50);
  assert.ok(produced < 10, `${produced} MiB are under way`);
  for await (const _ of received);
  await sending;
  assert.equal(produced, 40);
  port1.close();
});

test('a source that fails fails both ends', async () => {
  const failing = (async function* () {
    yield Buffer.alloc(10);
    throw new Error('connection reset');
  })();
  const { port1, port2 } = new MessageChannel();
  const sending = assert.rejects(sendChunks(port1, failing), /connection reset/);
  await assert.rejects(
    Array.fromAsync(receiveChunks(port2)),
    (error) => isEngineError(error, 'cancelled') && /reset/.test(error.message),
  );
  await sending;
  port1.close();
});

test('a receiver that leaves early stops the source', async () => {
  const { port1, port2 } = new MessageChannel();
  let stopped = false;
  const endless = (async function* () {
    try {
      for (;;) yield Buffer.alloc(1 << 19);
    } finally {
      stopped = true;
    }
  })();
  const sending = sendChunks(port1, endless);
  for await (const _ of receiveChunks(port2)) break;
  await sending;
  assert.ok(stopped);
  port1.close();
});

test('a cancelled stream stops at once, although the source is stuck behind the receiver', async () => {
  const { port1, port2 } = new MessageChannel();
  const abort = new AbortController();
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(1 << 20);
  })();
  const sending = sendChunks(port1, endless, abort.signal);
  await sleep(20);
  abort.abort();
  await assert.rejects(sending, (error) => isEngineError(error, 'cancelled'));
  port1.close();
  port2.close();
});
