/** What the test and the worker that serves its disk share. */

/** A sector is written as a whole or not at all. */
export const SECTOR = 512;

export interface DiskMemory {
  /** What is read. */
  bytes: SharedArrayBuffer;
  /** What was there at the last flush. */
  durable: SharedArrayBuffer;
  /** For each sector: 1 = written since then. */
  pending: SharedArrayBuffer;
  flags: Int32Array;
}

export const Flag = { lock: 0, failWrites: 1, failReads: 2, never: 3 } as const;

export function makeMemory(size: number): DiskMemory {
  return {
    bytes: new SharedArrayBuffer(size),
    durable: new SharedArrayBuffer(size),
    pending: new SharedArrayBuffer(size / SECTOR),
    flags: new Int32Array(new SharedArrayBuffer(4 * Object.keys(Flag).length)),
  };
}

/** Another one with the same contents, which does not fail. */
export function copyOf(memory: DiskMemory): DiskMemory {
  const copy = makeMemory(memory.bytes.byteLength);
  for (const part of ['bytes', 'durable', 'pending'] as const) {
    new Uint8Array(copy[part]).set(new Uint8Array(memory[part]));
  }
  return copy;
}

/** Does `work` while the other thread does nothing with the disk. */
export function locked<T>(flags: Int32Array, work: () => T): T {
  while (Atomics.compareExchange(flags, Flag.lock, 0, 1) !== 0) Atomics.wait(flags, Flag.lock, 1, 10);
  try {
    return work();
  } finally {
    Atomics.store(flags, Flag.lock, 0);
    Atomics.notify(flags, Flag.lock);
  }
}
