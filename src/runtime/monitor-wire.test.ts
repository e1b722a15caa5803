import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { monitorRoom } from '#test/support/monitor.ts';
import fc from '#test/support/property.ts';
import { connectMonitor } from './monitor.ts';
import {
  encodeFrame,
  encodeHeader,
  encodeNumber,
  frameParser,
  headerSize,
  maxPayload,
  request,
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
    .record({ type: fc.constantFrom(request.output, request.writer), value: fc.nat(3) })
    .map(({ type, value }) => encodeNumber(type, value)),
  fc.constant(encodeFrame(request.stdin, Buffer.alloc(maxPayload))),
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

const isSignal = (frame: Buffer) => frame[1] === request.signal;
const isStart = (frame: Buffer) => frame[1] === request.start;

test('a waiting monitor survives whatever it is sent, and leaves without a trace', async () => {
  const session = fc.array(
    hostileFrame.filter((frame) => !isSignal(frame) && !isStart(frame)),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(session, fc.integer({ min: 1, max: 6 }), async (frames, pieces) => {
      const { socket, process, exitFile, log } = await room.start({ openStdin: true });
      const ended = once(process, 'exit');
      await harass(socket, Buffer.concat(frames), pieces);
      assert.deepEqual(await ended, [0, null]);
      assert.equal(existsSync(exitFile) || existsSync(log), false);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000 },
  );
});

test('a running monitor survives whatever it is sent', async () => {
  const { control, socket } = await room.monitor({ container: { args: ['sleep', '1000'] }, openStdin: true });
  await control.start();
  control.close();
  const session = fc.array(
    hostileFrame.filter((frame) => !isSignal(frame)),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(session, fc.integer({ min: 1, max: 6 }), async (frames, pieces) => {
      await harass(socket, Buffer.concat(frames), pieces);
      const next = await connectMonitor(socket);
      assert.equal((await next.state()).phase, 'running');
      next.close();
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 2000 },
  );
  const last = await connectMonitor(socket);
  await last.kill(9);
  assert.equal((await last.exited).code, 137);
  assert.deepEqual(await last.gone, { cleaned: true });
});

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
