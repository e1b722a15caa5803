/**
 * The worker of `faulty-disk.ts`: serves one FUSE file, the disk, from shared memory
 * (include/uapi/linux/fuse.h, protocol 7.31). It blocks in read(2), so it has a thread of its own.
 */
import { readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { type DiskMemory, Flag, locked, SECTOR } from './faulty-disk-memory.ts';

const { fd, memory } = workerData as { fd: number; memory: DiskMemory };
const { flags } = memory;
const bytes = new Uint8Array(memory.bytes);
const durable = new Uint8Array(memory.durable);
const pending = new Uint8Array(memory.pending);

const enum_ = <T extends Record<string, number>>(values: T) => values;
const OP = enum_({
  FORGET: 2,
  GETATTR: 3,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  FSYNC: 20,
  INIT: 26,
  INTERRUPT: 36,
  BATCH_FORGET: 42,
});
const [EIO, ENOSYS] = [5, 38];
const HEADER = 40;
const MAX_WRITE = 1 << 20;
const FOPEN_DIRECT_IO = 1;
const INIT_FLAGS = 1 | (1 << 5) | (1 << 22); // ASYNC_READ, BIG_WRITES, MAX_PAGES

const input = Buffer.alloc(MAX_WRITE + 4096 * 2);

/** Where in `pending` something is. */
let dirty = { from: pending.length, to: 0 };

type Answer = Uint8Array | number;

/** A positive number is an errno; undefined = the kernel expects no reply. */
function answer(op: number, body: Buffer): Answer | undefined {
  if (op === OP.INIT) return initReply();
  if (op === OP.GETATTR) return attributes();
  if (op === OP.OPEN) return words([0, 0, FOPEN_DIRECT_IO, 0]);
  if (op === OP.READ) return read(Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
  if (op === OP.WRITE) return write(Number(body.readBigUInt64LE(8)), body.subarray(40, 40 + body.readUInt32LE(16)));
  if (op === OP.FSYNC) return flush();
  if (op === OP.FORGET || op === OP.INTERRUPT || op === OP.BATCH_FORGET) return undefined;
  return op === 18 || op === 25 ? new Uint8Array() : ENOSYS; // RELEASE, FLUSH
}

function initReply(): Uint8Array {
  const reply = Buffer.alloc(64);
  reply.writeUInt32LE(7, 0);
  reply.writeUInt32LE(31, 4);
  reply.writeUInt32LE(MAX_WRITE, 8);
  reply.writeUInt32LE(INIT_FLAGS, 12);
  reply.writeUInt16LE(16, 16);
  reply.writeUInt16LE(12, 18);
  reply.writeUInt32LE(MAX_WRITE, 20);
  reply.writeUInt32LE(1, 24);
  reply.writeUInt16LE(MAX_WRITE / 4096, 28);
  return reply;
}

function attributes(): Uint8Array {
  const reply = Buffer.alloc(104);
  reply.writeBigUInt64LE(1n, 16);
  reply.writeBigUInt64LE(BigInt(bytes.length), 24);
  reply.writeBigUInt64LE(BigInt(bytes.length / SECTOR), 32);
  reply.writeUInt32LE(0o100600, 76);
  reply.writeUInt32LE(1, 80);
  reply.writeUInt32LE(4096, 96);
  return reply;
}

function read(offset: number, size: number): Answer {
  if (Atomics.load(flags, Flag.failReads)) return EIO;
  return bytes.subarray(offset, offset + size);
}

function write(offset: number, data: Buffer): Answer {
  if (Atomics.load(flags, Flag.failWrites)) return EIO;
  bytes.set(data, offset);
  const [from, to] = [Math.floor(offset / SECTOR), Math.ceil((offset + data.length) / SECTOR)];
  pending.fill(1, from, to);
  dirty = { from: Math.min(dirty.from, from), to: Math.max(dirty.to, to) };
  return words([data.length, 0]);
}

/** What was written before is kept by a cut from now on. */
function flush(): Answer {
  if (Atomics.load(flags, Flag.failWrites)) return EIO;
  for (let sector = dirty.from; sector < dirty.to; sector++) {
    if (!pending[sector]) continue;
    pending[sector] = 0;
    durable.set(bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR), sector * SECTOR);
  }
  dirty = { from: pending.length, to: 0 };
  return new Uint8Array();
}

function words(values: number[]): Uint8Array {
  const reply = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) reply.writeUInt32LE(value, at * 4);
  return reply;
}

function serveOne(length: number): void {
  const op = input.readUInt32LE(4);
  const result = locked(flags, () => answer(op, input.subarray(HEADER, length)));
  if (result === undefined) return;
  const body = typeof result === 'number' ? new Uint8Array() : result;
  const reply = Buffer.alloc(16 + body.length);
  reply.writeUInt32LE(reply.length, 0);
  reply.writeInt32LE(typeof result === 'number' ? -result : 0, 4);
  input.copy(reply, 8, 8, 16);
  reply.set(body, 16);
  writeSync(fd, reply);
}

const code = (error: unknown) => (error as NodeJS.ErrnoException).code;

for (;;) {
  try {
    serveOne(readSync(fd, input));
  } catch (error) {
    if (code(error) === 'ENODEV') break; // unmounted
    if (code(error) === 'EPERM')
      Atomics.wait(flags, Flag.never, 0, 5); // not mounted yet
    else if (code(error) !== 'EINTR' && code(error) !== 'ENOENT' && code(error) !== 'EAGAIN') throw error;
  }
}
