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
import type { Argument, Call, CallArguments } from '#linux/launcher-calls.ts';
import { decodeHeld } from '#linux/launcher-held.ts';
import { createReplyDecoder, encodeRequest, type Reply } from '#linux/launcher-wire.ts';
import { nativeProgram, servingDescriptor3 } from '#test/support/launcher.ts';
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
  const argv = [...confined, program, ...servingDescriptor3];
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    cwd: home,
    env: { PATH: '/usr/bin:/bin', ASAN_OPTIONS: 'detect_leaks=1' },
  });
  const messages = text(child.stderr!);
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    throw new Error(`the launcher ended with ${code ?? signal}: ${await messages}`);
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
  const send = (payload: Buffer) => {
    const frame = frameOf(++id, payload);
    const reply = new Promise<Reply>((resolve) => waiting.set(id, resolve));
    stream.write(frame);
    return Promise.race([reply, ended]);
  };
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
const netlinkLength = fc.oneof(fc.constant(undefined), fc.constantFrom(0, 15, 17, 0x7fffffff, 0xffffffff), fc.nat(200));
const netlinkMessage = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 64 }), netlinkLength)
  .map(([bytes, length]) => {
    const message = Buffer.from(bytes);
    message.writeUInt32LE(length ?? message.length, 0);
    return message;
  });

type Name = keyof CallArguments;
type Harmless<Arguments> = { [Index in keyof Arguments]: fc.Arbitrary<Arguments[Index]> };

const AT_FDCWD = fc.constant(-100);
const O_CREAT = 0o100;
const MSG_DONTWAIT = 0x40;
const NONBLOCK = 0o4000;
const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), netlinkMessage);
const number = fc.oneof(fc.constantFrom(0, 1, 4, 6, 17, 80), fc.integer({ min: -3, max: 300 }));
const size = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(0, 1, 1024, 65536) },
  { weight: 1, arbitrary: fc.constantFrom(65537, -1, 0x7fffffff) },
);
const register = fc
  .oneof({ weight: 8, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.constantFrom(-1, -2, -100, 5, 300) })
  .map((index) => ({ index }));
const optionalText = fc.option(name);
/** Few, as what is kept must leave descriptors to the others. */
const key = fc.constantFrom('', 'a', 'b', 'c/d', 'é'.repeat(200));
const argv = fc.array(name, { maxLength: 4 });

/** Nothing that blocks for good, changes the folder of the whole launcher, or reaches out of its namespaces. */
const harmless: { [Key in Exclude<Name, 'ended'>]: Harmless<CallArguments[Key]> } = {
  fsopen: [name, fc.nat(1)],
  fsconfig: [register, fc.nat(8).filter((command) => command !== 2), optionalText, optionalText, fc.nat(3)],
  fsmount: [register, fc.nat(1), number],
  open_tree: [AT_FDCWD, name, fc.constantFrom(0, 1, 0o2000001)],
  mount_setattr: [register, fc.constantFrom('', './a'), fc.constantFrom(0, 0x1000), fc.uint8Array({ maxLength: 40 })],
  move_mount: [register, fc.constantFrom('', './a'), AT_FDCWD, fc.constantFrom('./a', './b', '/nowhere'), fc.constantFrom(0, 4)], // biome-ignore format: one line
  umount2: [name, fc.nat(15)],
  openat: [AT_FDCWD, name, fc.constantFrom(0, 2, O_CREAT, O_CREAT | 2).map((flags) => flags | NONBLOCK), fc.constant(0o600)], // biome-ignore format: one line
  unlinkat: [AT_FDCWD, name, fc.constantFrom(0, 0x200)],
  read: [register, size],
  written: [register, size, number],
  fchmod: [register, fc.constantFrom(0, 0o600)],
  memfd_create: [name, fc.nat(3)],
  ftruncate: [register, fc.nat(1 << 22)],
  pwrite: [register, bytes, fc.nat(1 << 20)],
  seal: [register, fc.nat(15)],
  chdir: [fc.constantFrom('.', './a', '/nowhere')],
  unshare: [fc.constantFrom(0, 0x200, 0x40000000)],
  setns: [register, fc.constantFrom(0, 0x40000000)],
  socket: [
    fc.constantFrom(1, 2, 10, 16),
    fc.nat(5).map((type) => type | NONBLOCK),
    fc.constantFrom(0, 6, 12, 17, 132, 255),
  ],
  setsockopt: [register, fc.constantFrom(0, 1, 41, 270), fc.nat(40), bytes],
  bind: [register, bytes],
  listen: [register, number],
  connect: [register, bytes],
  send: [register, bytes, register, fc.integer({ min: -9, max: 70 })],
  recv: [register, size, fc.constant(MSG_DONTWAIT)],
  pidfd_open: [fc.integer({ min: -1, max: 9 }), fc.nat(1)],
  pidfd_getfd: [register, number, fc.nat(1)],
  keep: [key, register, fc.nat(1)],
  release: [key],
  held: [],
  ready: [],
  spawn: [argv, register, register, register, register],
  run: [argv, register, register, register, register, fc.constant(300)],
};

type PlainCall = Omit<Call, 'label'>;
const options = fc.record({
  undoes: fc.option(fc.nat(5).map((index) => ({ index })), { nil: undefined, freq: 8 }),
  fine: fc.array(fc.nat(133), { maxLength: 2 }),
}); // biome-ignore format: one line each
const callOf = (key: Name, args: fc.Arbitrary<unknown>[]): fc.Arbitrary<PlainCall> =>
  fc
    .tuple(options, fc.tuple(...args))
    .map(([chosen, given]) => ({ ...chosen, name: key, arguments: given as Argument[] }));
const calls = Object.entries(harmless).map(([key, args]) => callOf(key as Name, args as fc.Arbitrary<unknown>[]));
const openers: Name[] = ['fsopen', 'open_tree', 'openat', 'memfd_create', 'socket', 'pidfd_open'];
const opener = fc.constantFrom(...openers).chain((key) => callOf(key, harmless[key as 'socket']));
/** Some that open something, so that the others can refer to it. */
const list = fc
  .tuple(fc.array(opener, { maxLength: 5 }), fc.array(fc.oneof(...calls), { maxLength: 6 }))
  .map(([first, rest]) => [...first, ...rest]);

/** Those that make something of each other's results; the rest of a list seldom gets that far. */
const operations: fc.Arbitrary<PlainCall[]>[] = [
  fc.tuple(name, optionalText, optionalText).map(([fstype, key, value]) => [
    { name: 'fsopen', arguments: [fstype, 1] },
    { name: 'fsconfig', arguments: [{ index: 0 }, value === null ? 0 : 1, key, value, 0] },
    { name: 'fsconfig', arguments: [{ index: 0 }, 6, null, null, 0] },
    { name: 'fsmount', arguments: [{ index: 0 }, 1, 0] },
    { name: 'move_mount', arguments: [{ index: 3 }, '', -100, './a', 4] },
    { name: 'read', arguments: [{ index: 0 }, 1024], undoes: { index: 0 } },
  ]),
  fc.tuple(netlinkMessage, fc.integer({ min: -9, max: 70 })).map(([message, offset]) => [
    { name: 'openat', arguments: [-100, '/proc/self/ns/net', 0, 0] },
    { name: 'socket', arguments: [16, 3 | NONBLOCK, 0] },
    { name: 'send', arguments: [{ index: 1 }, message, { index: 0 }, offset] },
    { name: 'recv', arguments: [{ index: 1 }, 65536, 0], fine: [11] },
  ]),
  fc.tuple(fc.uint8Array(), argv).map(([input, command]) => [
    { name: 'memfd_create', arguments: ['stdio', 3] },
    { name: 'pwrite', arguments: [{ index: 0 }, input, 0] },
    { name: 'memfd_create', arguments: ['stdio', 3] },
    { name: 'run', arguments: [command, { index: 0 }, { index: 2 }, { index: 2 }, { index: -1 }, 300] },
    { name: 'written', arguments: [{ index: 2 }, 65536, 0] },
  ]),
];

const encoded = fc.oneof({ weight: 2, arbitrary: list }, ...operations).map(encodeCalls);
const mutable = fc
  .oneof(list, ...operations)
  .filter((some) => !some.some((call) => call.name === 'read'))
  .map(encodeCalls);
const payload = fc.oneof(
  { weight: 4, arbitrary: encoded },
  {
    weight: 2,
    arbitrary: fc.tuple(mutable, fc.nat(), fc.nat(255)).map(([some, at, value]) => mutate(some, at, value)),
  },
  { weight: 1, arbitrary: fc.tuple(mutable, fc.nat()).map(([some, at]) => some.subarray(0, at % (some.length + 1))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.from(noise)) },
);
/** Of nobody's processes, so that it is over at once. */
const watches = fc.tuple(fc.integer({ min: -3, max: 0 }), name).map(([pid, start]) => encodeCalls([
  { name: 'pidfd_open', arguments: [pid, 0] },
  { name: 'ended', arguments: [pid, start, { index: 0 }] },
])); // biome-ignore format: one call a line
const request = fc.oneof({ weight: 9, arbitrary: payload }, { weight: 1, arbitrary: watches });

/** Requests in their frames: each gets its reply, and no descriptor is left open. */
export const launcherRequests = fuzzTarget<Buffer[]>({
  name: 'launcher-requests',
  quick: 800,
  async open() {
    const room = launcherRoom();
    const { child, send, end } = room.start();
    const held = encodeCalls([{ name: 'held', arguments: [] }]);
    await send(held);
    const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length;
    const before = descriptors();
    return {
      input: fc.array(request, { maxLength: 20 }),
      check: async (requests) => void (await Promise.all(requests.map(send))),
      async close() {
        try {
          for (const key of decodeHeld((await send(held)).results[0]!.output).keys()) {
            await send(encodeCalls([{ name: 'release', arguments: [key] }]));
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
    const mutated = fc
      .tuple(request, fc.nat(), fc.nat(255))
      .map(([some, at, value]) => mutate(frameOf(1, some), at, value));
    const noise = fc.uint8Array({ maxLength: 2000 }).map((some) => Buffer.from(some));
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

function encodeCalls(some: PlainCall[]): Buffer {
  return encodeRequest(0, some).subarray(12);
}

function frameOf(id: number, some: Buffer): Buffer {
  const frame = Buffer.concat([encodeRequest(id, []), some]);
  frame.writeUInt32LE(some.length, 8);
  return frame;
}

function mutate(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = value;
  return copy;
}
