import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startApi } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';
import fc from '#test/support/property.ts';

const SEEDS = [
  'GET /v1.44/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /containers/create?name=x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"Image":"a"}',
  'POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'POST /containers/x/attach?stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\ninput',
  'POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
];

/** A request with some of its bytes replaced, cut or doubled. */
const mutated = fc
  .record({
    seed: fc.constantFrom(...SEEDS),
    edits: fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'cut', 'double'), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    }),
  })
  .map(({ seed, edits }) => {
    let bytes = Buffer.from(seed, 'latin1');
    for (const [where, edit, value] of edits) {
      const at = where % Math.max(1, bytes.length);
      const middle =
        edit === 'set' ? Buffer.from([value]) : edit === 'cut' ? Buffer.alloc(0) : bytes.subarray(at, at + value);
      bytes = Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(edit === 'double' ? at : at + 1)]);
    }
    return bytes;
  });

/** Sends the bytes, ends, and waits until the server has ended, too. */
function send(path: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.end(bytes));
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

test('whatever bytes come, every connection ends and the server goes on', async (t) => {
  const api = await startApi(
    t,
    fakeBackend({
      images: {
        async load(body) {
          for await (const _ of body);
        },
      },
      containers: {
        list: async () => [],
        create: async () => ({ Id: 'x', Warnings: [] }),
        attach: async () => ({
          tty: true,
          async connect(client) {
            for await (const _ of client.iterator({ destroyOnReturn: false }));
          },
        }),
      },
    }),
  );
  await fc.assert(
    fc.asyncProperty(mutated, (bytes) => send(api.path, bytes)),
    { numRuns: 500 },
  );
  assert.equal((await api.ask('GET', '/_ping')).text, 'OK');
});
