import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { createReplyDecoder, encodeRequest, type Field, Op, type Reply } from '#linux/launcher-wire.ts';
import { nativeProgram } from '#test/support/launcher.ts';
import { fuzzTarget } from '../target.ts';

/** Whatever a request asks for happens as nobody, root only in namespaces of its own. */
const confined = [
  ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
  ...['unshare', '--user', '--map-root-user', '--mount', '--net'],
];

/** A folder with the sanitized launcher, and how to start one there. */
function launcherRoom() {
  const home = mkdtempSync(join(tmpdir(), 'wherry-fuzz-'));
  chmodSync(home, 0o777);
  const program = join(home, 'wherry-launcher');
  cpSync(nativeProgram('wherry-launcher', { sanitized: true }), program);
  const started: ChildProcess[] = [];
  const close = () => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(home, { recursive: true });
  };
  const start = () => {
    const launcher = startConfined(home, program);
    started.push(launcher.child);
    return launcher;
  };
  return { start, close };
}

function startConfined(home: string, program: string) {
  const argv = [...confined, program, '--serve', '3'];
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    cwd: home,
    env: { PATH: '/usr/bin:/bin', ASAN_OPTIONS: 'detect_leaks=1' },
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the launcher ended');
  });
  ended.catch(() => {});
  const stream = child.stdio[3] as Duplex;
  stream.on('error', () => {});
  const waiting = new Map<number, (reply: Reply) => void>();
  const decode = createReplyDecoder();
  stream.on('data', (chunk: Buffer) => {
    for (const reply of decode(chunk)) waiting.get(reply.id)?.(reply);
  });
  let id = 0;
  const send = (op: number, payload: Buffer) => {
    const frame = Buffer.concat([encodeRequest(op, ++id, []), payload]);
    frame.writeUInt32LE(payload.length, 8);
    const reply = new Promise<Reply>((resolve) => waiting.set(id, resolve));
    stream.write(frame);
    return Promise.race([reply, ended]);
  };
  const messages = text(child.stderr!);
  /** Fails when a sanitizer complained. */
  const end = async () => {
    stream.destroy();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.deepEqual([await messages, child.exitCode], ['', 0]);
  };
  return { child, stream, send, end };
}

const name = fc.oneof(
  fc.constantFrom('tmpfs', 'overlay', 'size', '9', 'true', 'cat', '/proc/self/ns/net', '/nowhere', '127.0.0.1', '::1'),
  fc.constantFrom('a', 'b', 'c/d').map((leaf) => `./${leaf}`),
  fc.constant('add table inet t; list ruleset'),
  fc.string({ maxLength: 400 }),
);
const field: fc.Arbitrary<Field> = fc.oneof(
  { weight: 4, arbitrary: name },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 4, 6, 17, 80) },
  { weight: 1, arbitrary: fc.nat(0xffffffff) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.array(name, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
);
const netlinkLength = fc.oneof(fc.constant(undefined), fc.constantFrom(0, 15, 17, 0x7fffffff, 0xffffffff), fc.nat(200));
const netlinkMessage = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 64 }), netlinkLength)
  .map(([bytes, length]) => {
    const message = Buffer.from(bytes);
    message.writeUInt32LE(length ?? message.length, 0);
    return message;
  });
const fieldsOf: Record<number, fc.Arbitrary<Field[]>> = {
  [Op.mount]: fc.tuple(name, name, fc.constant(0), fc.array(name, { maxLength: 3 })),
  [Op.bind]: fc.tuple(name, name, fc.nat(1), fc.nat(1), fc.nat(1), fc.constant(0)),
  [Op.netlink]: fc.tuple(fc.constant(undefined), fc.constant(0), netlinkMessage, fc.constantFrom(undefined, '/proc/self/ns/net'), fc.nat(64)), // biome-ignore format: one line
  [Op.spawn]: fc.tuple(fc.array(name), fc.constantFrom(undefined, '.'), fc.option(name, { nil: undefined })),
  [Op.run]: fc.tuple(fc.constant(undefined), fc.array(name), fc.uint8Array(), fc.constant(300)),
  [Op.nft]: fc.tuple(fc.constant(undefined), name, fc.nat(1)),
  [Op.holdPort]: fc.tuple(name, fc.constantFrom(6, 17, 132, 255), name, fc.nat(70000)),
};
const op = fc.oneof(fc.constantFrom(...Object.values(Op)), fc.nat(0xffff));
const payload = (number: number) =>
  fc.oneof(
    (fieldsOf[number] ?? fc.array(field, { maxLength: 8 })).map(encodeFields),
    fc.array(field, { maxLength: 8 }).map(encodeFields),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple((fieldsOf[number] ?? fc.array(field)).map(encodeFields), fc.nat(), fc.nat(255))
      .map(([bytes, at, value]) => mutate(bytes, at, value)),
  );
const request = op.chain((number) => fc.tuple(fc.constant(number), payload(number)));

/** Requests in their frames: each gets its reply, and no descriptor is left open. */
export const launcherRequests = fuzzTarget<[op: number, payload: Buffer][]>({
  name: 'launcher-requests',
  quick: 800,
  async open() {
    const room = launcherRoom();
    const { child, send, end } = room.start();
    await send(Op.held, Buffer.alloc(0));
    const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length;
    const before = descriptors();
    return {
      input: fc.array(request, { maxLength: 20 }),
      async check(requests) {
        const answered = requests.filter(([op]) => op !== Op.watch).map(([op, bytes]) => send(op, bytes));
        for (const [op, bytes] of requests) if (op === Op.watch) send(op, bytes).catch(() => {});
        await Promise.all(answered);
      },
      async close() {
        try {
          const held = (await send(Op.held, Buffer.alloc(0))).fields;
          for (let left = held.u32(); left > 0; left--) {
            await send(Op.release, encodeFields([held.text()]));
            held.u32();
          }
          for (let round = 0; descriptors() > before && round < 100; round++) await sleep(10);
          assert.ok(descriptors() <= before, `${descriptors()} descriptors instead of ${before}`);
          await end();
        } finally {
          room.close();
        }
      },
    };
  },
});

/** What is not the protocol ends the connection, not the launcher. */
export const launcherStreams = fuzzTarget<Buffer[]>({
  name: 'launcher-streams',
  quick: 25,
  async open() {
    const room = launcherRoom();
    const frame = request.map(([op, bytes]) => {
      const header = encodeRequest(op, 1, []);
      header.writeUInt32LE(bytes.length, 8);
      return Buffer.concat([header, bytes]);
    });
    const mutated = fc.tuple(frame, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => mutate(bytes, at, value));
    const noise = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes));
    return {
      input: fc.array(fc.oneof(mutated, noise), { maxLength: 10 }),
      async check(chunks) {
        const { stream, end } = room.start();
        for (const chunk of chunks) stream.write(chunk);
        await sleep(20);
        await end();
      },
      files: { write: (chunks) => chunks, read: (files) => files },
      close: async () => room.close(),
    };
  },
});

function encodeFields(fields: Field[]): Buffer {
  return encodeRequest(0, 0, fields).subarray(12);
}

function mutate(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = value;
  return copy;
}
