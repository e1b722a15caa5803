import { createHash } from 'node:crypto';
import { close, fdatasync, fsync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

import { promisify } from 'node:util';
import { errnoCode, system } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { releaseBytes } from '#lib/release-bytes.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import { type Hole, punchHoles } from '#programs/punch-holes.ts';

/** A blob that is complete and durable in the ingest folder, but not yet part of the store. */
export interface IngestedBlob {
  path: string;
  digest: Digest;
  /** True length in bytes; the file may be padded beyond it. */
  size: number;
}

/** Looks on while a blob is written. No method throws. */
export interface BlobObserver {
  /** The next bytes, whose buffer may be used again afterwards. */
  push(bytes: Buffer): void;
  /** The file is complete and padded, its fsync under way; `fd` is readable until it resolves. */
  end(blob: IngestedBlob, fd: number): Promise<void>;
  /** Nothing more comes. Called in any case. */
  close(): void;
}

/** Layer tars are padded to a multiple of this, so that the last file's data can be mapped in whole blocks. */
export const PADDING = 512;
/** What is zero throughout such a piece of the file is not written: sparse files inside layers take no room. */
const HOLE = 64 << 10;
const ZEROS = new Uint8Array(HOLE);
/** Every so many bytes the kernel is asked to start writing to the disk, so that the last fsync finds little to do. */
const WRITE_BACK = 32 << 20;

const fsyncFile = promisify(fsync);
const closeFile = promisify(close);

/** Bytes that `follow` takes at a time. */
const PIECE = 256 << 10;
/** Zeros that a program has written in one piece become a hole from so many bytes on. */
const WORTH_A_HOLE = 1 << 20;
/** Bytes of such zeros that are left on the disk at most. */
const MAX_ZEROS = 256 << 20;

/**
 * Writes and hashes one new file, synchronously: for workers. Instead of giving it the bytes (`write`), a program may write
 * them to `fd` while `follow` hashes what it has written. `finish` or `abandon` must be called.
 */
export class BlobWriter {
  readonly path: string;
  readonly fd: number;
  readonly #hash = createHash('sha256');
  #size = 0;
  #piece: Buffer | undefined;
  readonly #holes: Hole[] = [];
  #zeros = 0;
  #startedWriteBack = 0;
  #writingBack: Promise<void> | undefined;
  readonly #observer: BlobObserver | undefined;

  /** Creates the file `path`, which must not exist. */
  constructor(path: string, observer?: BlobObserver) {
    this.path = path;
    this.#observer = observer;
    this.fd = openSync(path, 'wx+', 0o400);
    fault('blob.create');
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Buffer): void {
    this.#hash.update(chunk);
    this.#observer?.push(chunk);
    this.#append(chunk);
    this.#grown(chunk.length);
  }

  /** Takes what a program has written since the last time; gives how many bytes that was, at most 256 KiB. */
  async follow(): Promise<number> {
    this.#piece ??= Buffer.allocUnsafeSlow(PIECE);
    const count = readSync(this.fd, this.#piece, 0, PIECE, this.#size);
    if (count === 0) return 0;
    const bytes = this.#piece.subarray(0, count);
    this.#hash.update(bytes);
    this.#observer?.push(bytes);
    for (const { start, length } of zerosIn(bytes, this.#size)) {
      const last = this.#holes.at(-1);
      if (last && last.start + last.length === start) last.length += length;
      else this.#holes.push({ start, length });
      this.#zeros += length;
    }
    this.#grown(count);
    if (this.#zeros > MAX_ZEROS) await this.#punch();
    return count;
  }

  /** The first bytes of what is there, at most `length`. */
  head(length: number): Buffer {
    const head = Buffer.alloc(length);
    return head.subarray(0, readSync(this.fd, head, 0, length, 0));
  }

  /** Pads the file, makes it durable and closes it. */
  async finish(): Promise<IngestedBlob> {
    try {
      this.#pad();
      await this.#punch();
      await this.#writingBack;
      const synced = fsyncFile(this.fd);
      const blob: IngestedBlob = { path: this.path, digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size };
      await settleAll([synced, this.#observer?.end(blob, this.fd) ?? Promise.resolve()]);
      fault('blob.fsync');
      return blob;
    } finally {
      await this.#close();
    }
  }

  /** Closes the file, which stays where it is: the ingest folder is removed as a whole. */
  async abandon(): Promise<void> {
    await this.#writingBack;
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#observer?.close();
    if (this.#piece) releaseBytes(this.#piece);
    await closeFile(this.fd);
  }

  /** Whatever is zero up to the end is a hole, also the padding. */
  #pad(): void {
    try {
      ftruncateSync(this.fd, Math.ceil(this.#size / PADDING) * PADDING);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  #append(bytes: Uint8Array): void {
    const origin = this.#size;
    let from = 0;
    for (const { start, length } of zerosIn(bytes, origin)) {
      this.#writeAt(origin + from, bytes.subarray(from, start - origin));
      from = start - origin + length;
    }
    this.#writeAt(origin + from, bytes.subarray(from));
  }

  #writeAt(position: number, bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at, bytes.length - at, position + at);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  async #punch(): Promise<void> {
    this.#zeros = 0;
    const holes = this.#holes.splice(0).filter(({ length }) => length >= WORTH_A_HOLE);
    if (holes.length > 0) await punchHoles(this.path, holes);
  }

  #grown(count: number): void {
    this.#size += count;
    fault('blob.write');
    if (this.#size - this.#startedWriteBack >= WRITE_BACK && !this.#writingBack) this.#startWriteBack();
  }

  #startWriteBack(): void {
    this.#startedWriteBack = this.#size;
    this.#writingBack = new Promise((resolve) => {
      // An error here is no loss: the fsync at the end reports it.
      fdatasync(this.fd, () => {
        this.#writingBack = undefined;
        resolve();
      });
    });
  }
}

/** The parts of `bytes`, which lie at `origin` in a file, that are zero throughout a piece of the file or the part of one. */
function* zerosIn(bytes: Uint8Array, origin: number): Generator<Hole, void, void> {
  for (let at = 0, next = 0; at < bytes.length; at = next) {
    next = Math.min(bytes.length, at + HOLE - ((origin + at) % HOLE));
    if (isZero(bytes.subarray(at, next))) yield { start: origin + at, length: next - at };
  }
}

/** Looks at its ends before the rest. */
function isZero(piece: Uint8Array): boolean {
  return (
    piece[0] === 0 && piece[piece.length - 1] === 0 && Buffer.compare(piece, ZEROS.subarray(0, piece.length)) === 0
  );
}

/** A failed write as an EngineError that says what to do. */
export function writeError(path: string, cause: unknown): Error {
  const code = errnoCode(cause);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return system(`cannot write ${path}: ${full ? 'the disk is full' : (cause as Error).message}`, {
    ...(code && { code }),
    ...(full && { hint: 'make room on the file system of the data-root' }),
    cause,
  });
}
