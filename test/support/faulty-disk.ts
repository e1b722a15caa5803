/**
 * A disk that fails as real ones do: a loop device over a file that a FUSE server (a worker of this process) has in
 * memory. It has a volatile cache, as disks do: what was written after the last flush is lost in a power cut, in part or
 * whole. It can be made to fail writes and reads from one instant on.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { copyOf, type DiskMemory, Flag, locked, makeMemory, SECTOR } from './faulty-disk-memory.ts';
import { randomNumbers } from './random.ts';

const BLOCK = 4096;

const run = promisify(execFile);

/** What a cut leaves of the writes that no flush had followed: none, all, or each sector by chance. */
export type Loss = 'all' | 'none' | 'some';

/** The blocks that differ from a base, by their position in bytes. */
export type Patch = Map<number, Uint8Array>;

export interface FaultyDisk {
  /** Makes an ext4 of it. */
  format(): Promise<void>;
  /** Mounts it; ext4 writes of itself only what is synced (no periodic commits, nothing allocated early). */
  mount(target: string): Promise<void>;
  unmount(): Promise<void>;
  /** What is on it now is what patches start from. */
  setBase(): void;
  /** What would be on it if the power were cut now. */
  cut(loss: Loss): Patch;
  /** Puts that on it; it must not be mounted. */
  restore(patch: Patch): void;
  /** Whether writes and flushes fail with EIO from now on. */
  failWrites(fail: boolean): void;
  failReads(fail: boolean): void;
  close(): Promise<void>;
}

/** `random` gives what a cut takes by chance. */
export async function makeFaultyDisk(size: number, random = randomNumbers(1)): Promise<FaultyDisk> {
  let drive = await makeDrive(makeMemory(size));
  let base = new Uint8Array(size);
  let mounted: string | undefined;
  const fail = (flag: number, value: boolean) => void Atomics.store(drive.memory.flags, flag, value ? 1 : 0);
  const whileLocked = <T>(work: (memory: DiskMemory) => T) => locked(drive.memory.flags, () => work(drive.memory));

  const disk: FaultyDisk = {
    async format() {
      await run('mkfs.ext4', ['-q', '-m', '0', '-J', 'size=4', '-E', 'nodiscard', drive.device]);
    },
    async mount(target) {
      await mkdir(target, { recursive: true });
      await run('mount', ['-o', 'commit=1000,noauto_da_alloc,errors=remount-ro', drive.device, target]);
      mounted = target;
    },
    async unmount() {
      if (mounted) await run('umount', [mounted]);
      mounted = undefined;
      if (await isReleased(drive.device)) return;
      const memory = whileLocked(copyOf);
      await drive.abandon();
      drive = await makeDrive(memory);
    },
    setBase() {
      base = whileLocked(({ bytes }) => new Uint8Array(bytes).slice());
    },
    cut: (loss) => whileLocked((memory) => cutOf(loss, memory, base, random)),
    restore: (patch) => whileLocked((memory) => restore(patch, memory, base)),
    failWrites: (value) => fail(Flag.failWrites, value),
    failReads: (value) => fail(Flag.failReads, value),
    async close() {
      disk.failWrites(false);
      disk.failReads(false);
      await disk.unmount();
      await drive.close();
    },
  };
  return disk;
}

/** A loop device over the file of a FUSE server. */
interface Drive {
  memory: DiskMemory;
  device: string;
  close(): Promise<void>;
  /** Leaves it to whoever still has it, for whom it fails from now on. */
  abandon(): Promise<void>;
}

async function makeDrive(memory: DiskMemory): Promise<Drive> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-faulty-disk-'));
  const file = join(folder, 'disk');
  await writeFile(file, '');
  const server = await serve(memory, file);
  const device = (await run('losetup', ['--find', '--show', file])).stdout.trim();
  const detach = () => run('losetup', ['--detach', device]);
  return {
    memory,
    device,
    async close() {
      await detach();
      await run('umount', [file]);
      await server.ended;
      await rm(folder, { recursive: true });
    },
    async abandon() {
      await detach();
      await run('umount', ['--force', '--lazy', file]); // ends the connection to the server
      await server.ended;
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * False when a mount namespace that somebody else has made meanwhile keeps the file system: who mounts the device again
 * gets all that it has in memory.
 */
async function isReleased(device: string): Promise<boolean> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      closeSync(openSync(device, constants.O_RDWR | constants.O_EXCL));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      await sleep(10);
    }
  }
  return false;
}

/** Mounts the FUSE file system whose root is one regular file, and serves it. */
async function serve(memory: DiskMemory, file: string): Promise<{ ended: Promise<unknown> }> {
  const fd = openSync('/dev/fuse', 'r+');
  const worker = new Worker(new URL('./faulty-disk-server.ts', import.meta.url), { workerData: { fd, memory } });
  const ended = once(worker, 'exit').then(() => closeSync(fd));
  const options = 'fd=3,rootmode=100600,user_id=0,group_id=0';
  const mount = spawn('mount', ['-i', '-t', 'fuse', '-o', options, 'wherry-faulty-disk', file], {
    stdio: ['ignore', 'ignore', 'pipe', fd],
  });
  const [said, [code]] = await Promise.all([text(mount.stderr!), once(mount, 'exit')]);
  if (code !== 0) throw new Error(`mounting the disk failed: ${said}`);
  return { ended };
}

function cutOf(loss: Loss, memory: DiskMemory, base: Uint8Array, random: () => number): Patch {
  const [bytes, durable, pending] = [memory.bytes, memory.durable, memory.pending].map((part) => new Uint8Array(part));
  const patch = differences(base, loss === 'none' ? bytes! : durable!);
  if (loss !== 'some') return patch;
  for (let sector = pending!.indexOf(1); sector >= 0; sector = pending!.indexOf(1, sector + 1)) {
    if (random() < 0.5) continue;
    const at = sector * SECTOR;
    const block = at - (at % BLOCK);
    const changed = patch.get(block) ?? base.slice(block, block + BLOCK);
    changed.set(bytes!.subarray(at, at + SECTOR), at - block);
    patch.set(block, changed);
  }
  return patch;
}

function restore(patch: Patch, memory: DiskMemory, base: Uint8Array): void {
  for (const bytes of [new Uint8Array(memory.bytes), new Uint8Array(memory.durable)]) {
    for (const at of differences(base, bytes).keys()) bytes.set(base.subarray(at, at + BLOCK), at);
    for (const [at, block] of patch) bytes.set(block, at);
  }
  new Uint8Array(memory.pending).fill(0);
}

function differences(base: Uint8Array, bytes: Uint8Array): Patch {
  const patch: Patch = new Map();
  for (let at = 0; at < base.length; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK);
    if (Buffer.compare(block, base.subarray(at, at + BLOCK)) !== 0) patch.set(at, block.slice());
  }
  return patch;
}

export function isSamePatch(a: Patch, b: Patch): boolean {
  return a.size === b.size && [...a].every(([at, block]) => Buffer.compare(block, b.get(at) ?? new Uint8Array()) === 0);
}
