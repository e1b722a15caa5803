import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { monitorRoom } from '#test/support/monitor.ts';
import fc from '#test/support/property.ts';
import {
  encodeFrame,
  encodeHeader,
  encodeSubscribe,
  frameParser,
  headerSize,
  maxPayload,
  version,
} from './monitor-wire.ts';

const room = monitorRoom();
after(() => room.close());

const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** A frame that a monitor may or may not understand: types and lengths around the valid ones, or plain noise. */
const hostileFrame = fc.oneof(
  fc.record({ type: fc.integer({ min: 0, max: 9 }), payload }).map(({ type, payload }) => encodeFrame(type, payload)),
  fc
    .record({ type: fc.integer({ min: 0, max: 255 }), length: fc.integer({ min: 0, max: 0xffffffff }) })
    .map(({ type, length }) => encodeHeader(type, length)),
  fc
    .record({ streams: fc.nat(255), framing: fc.nat(255) })
    .map(({ streams, framing }) => encodeSubscribe(streams, framing)),
  fc.constant(encodeFrame(5, Buffer.alloc(maxPayload))),
  payload,
);

/** Sends the frames in pieces of a few bytes and hangs up; resolves when the monitor is done with the connection. */
async function harass(socketPath: string, bytes: Buffer, pieces: number): Promise<void> {
  const socket = connect(socketPath);
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'connect');
  const step = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let offset = 0; offset < bytes.length && socket.writable; offset += step)
    await new Promise((resolve) => socket.write(bytes.subarray(offset, offset + step), resolve));
  socket.destroy();
}

for (const [name, running] of [
  ['a waiting', false],
  ['a running', true],
] as const) {
  test(`${name} monitor survives whatever it is sent`, async () => {
    const { control } = await room.monitor({ container: { args: ['sleep', '1000'] }, openStdin: true });
    if (running) await control.start();
    const noSignal = (frame: Buffer) => frame[1] !== 3 && (running || frame[1] !== 2);
    const session = fc.array(hostileFrame.filter(noSignal), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(session, fc.integer({ min: 1, max: 6 }), async (frames, pieces) => {
        await harass(control.socketPath, Buffer.concat(frames), pieces);
        assert.equal((await control.state()).phase, running ? 'running' : 'waiting');
      }),
      { numRuns: 2000, interruptAfterTimeLimit: 2000 },
    );
    const { pid } = await control.start();
    assert.ok(pid > 0);
    await control.kill(9);
    assert.equal((await control.exited).code, 137);
    assert.deepEqual(await control.gone, { cleaned: true });
  });
}

test('frames come out whole, however the bytes are cut', () => {
  const frames = fc.array(fc.record({ type: fc.nat(255), payload }, { noNullPrototype: true }));
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (frames, size) => {
      const bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
      const parse = frameParser();
      const parsed = [];
      for (let offset = 0; offset < bytes.length; offset += size)
        parsed.push(...parse(bytes.subarray(offset, offset + size)));
      assert.deepEqual(parsed, frames);
    }),
  );
});

test('a frame of another version or size is refused before it is buffered', () => {
  assert.throws(() => frameParser()(Buffer.from([version + 1, 65, 0, 0, 0, 0, 0, 0])), RangeError);
  assert.throws(() => frameParser()(encodeHeader(65, maxPayload + 1)), RangeError);
  assert.deepEqual(frameParser()(encodeHeader(65, maxPayload)), []);
  assert.equal(headerSize, encodeHeader(65, 0).length);
});
