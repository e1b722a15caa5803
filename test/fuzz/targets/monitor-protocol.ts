import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { connectMonitor } from '#runtime/monitor.ts';
import { encodeFrame, maxPayload, request } from '#runtime/monitor-wire.ts';
import { monitorRoom } from '#test/support/monitor.ts';
import { fuzzTarget } from '../target.ts';

/** Signal 0 and those above the last one end nothing. */
const payloads: Record<number, fc.Arbitrary<Uint8Array>> = {
  [request.query]: fc.constant(new Uint8Array()),
  [request.start]: fc.constant(new Uint8Array()),
  [request.signal]: fc.constantFrom(Uint8Array.of(0, 0, 0, 0), Uint8Array.of(255, 255, 255, 255)),
  [request.resize]: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  [request.stdin]: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(maxPayload))),
  [request.stdinEof]: fc.constant(new Uint8Array()),
  [request.output]: fc.constantFrom(...[0, 1, 2, 255].map((value) => Uint8Array.of(value, 0, 0, 0))),
  [request.writer]: fc.constantFrom(...[0, 1, 255].map((value) => Uint8Array.of(value, 0, 0, 0))),
};
const frame = fc
  .constantFrom(...Object.values(request))
  .chain((type) => payloads[type]!.map((payload) => encodeFrame(type, Buffer.from(payload))));
/** One byte of the header is another one. */
const broken = fc.tuple(frame, fc.nat(7), fc.nat(255)).map(([bytes, at, value]) => {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
});
const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const conversation = fc.tuple(
  fc.array(frame, { maxLength: 6 }).map((frames) => Buffer.concat(frames)),
  fc.oneof({ weight: 2, arbitrary: fc.constant(Buffer.alloc(0)) }, broken, noise),
  fc.nat(),
);

/** Whatever comes on connections before, a sanitized monitor serves and the container runs. */
export const monitorProtocol = fuzzTarget<[good: Buffer, bad: Buffer, cut: number][]>({
  name: 'monitor-protocol',
  quick: 1000,
  async open() {
    const room = monitorRoom();
    const { control, socket } = await room.monitor({
      container: { args: ['sh', '-c', 'cat >/dev/null; exec sleep 1000'] },
      openStdin: true,
      sanitized: true,
    });
    const started = await control.start();
    control.close();
    return {
      input: fc.array(conversation, { maxLength: 5 }),
      async check(conversations) {
        await Promise.all(conversations.map((words) => converse(socket, words)));
        const next = await connectMonitor(socket);
        const { phase, pid } = await next.state();
        assert.deepEqual([phase, pid], ['running', started.pid]);
        next.close();
      },
      async close() {
        const last = await connectMonitor(socket);
        await last.kill(9);
        assert.equal((await last.exited).code, 137);
        assert.deepEqual(await last.gone, { cleaned: true });
        await room.close();
      },
    };
  },
});

async function converse(socket: string, [good, bad, at]: [good: Buffer, bad: Buffer, cut: number]): Promise<void> {
  const client = connect(socket);
  client.on('error', () => {}).resume();
  await once(client, 'connect');
  const bytes = Buffer.concat([good, bad]);
  const cut = bytes.length === 0 ? 0 : at % bytes.length;
  client.write(bytes.subarray(0, cut));
  await sleep(1);
  client.end(bytes.subarray(cut));
  await sleep(1);
  client.destroy();
}
