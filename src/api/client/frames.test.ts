import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { demultiplex } from './frames.ts';

const frame = (kind: number, payload: Buffer) => {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
};

async function* pieces(bytes: Buffer, cuts: number[]): AsyncGenerator<Buffer> {
  let start = 0;
  for (const cut of [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)) {
    yield Buffer.from(bytes.subarray(start, cut));
    start = cut;
  }
  yield Buffer.from(bytes.subarray(start));
}

async function collect(input: AsyncIterable<Buffer>) {
  const out = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of demultiplex(input)) out[stream] += bytes.toString('latin1');
  return out;
}

test('each stream comes out whole, wherever the connection cuts it', async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(0, 1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(frames, fc.array(fc.nat(400), { maxLength: 20 }), async (list, cuts) => {
      const bytes = Buffer.concat(list.map(([kind, payload]) => frame(kind, Buffer.from(payload))));
      const text = (wanted: (kind: number) => boolean) =>
        Buffer.concat(list.filter(([kind]) => wanted(kind)).map(([, payload]) => payload)).toString('latin1');
      assert.deepEqual(await collect(pieces(bytes, cuts)), {
        stdout: text((kind) => kind !== 2),
        stderr: text((kind) => kind === 2),
      });
    }),
    { numRuns: 200 },
  );
});

test('an error of the daemon inside the stream is thrown with its text', async () => {
  const bytes = Buffer.concat([frame(1, Buffer.from('ok')), frame(3, Buffer.from('disk full'))]);
  await assert.rejects(collect(pieces(bytes, [5, 13, 20])), /disk full/);
});

test('what is no multiplexed stream is refused', async () => {
  await assert.rejects(collect(pieces(Buffer.from('plain text of a TTY'), [])), /unknown kind 112/);
});

test('an end inside a frame is an error', async () => {
  const bytes = frame(1, Buffer.from('hello'));
  await assert.rejects(collect(pieces(bytes.subarray(0, 10), [])), /middle of a frame/);
  await assert.rejects(collect(pieces(bytes.subarray(0, 3), [])), /middle of a frame/);
});
