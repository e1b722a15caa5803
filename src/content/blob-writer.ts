import { createHash } from 'node:crypto';
import { close, fdatasync, fsync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { errnoCode, system } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { fault } from '#lib/write-steps.ts';

/** A blob that is complete and durable in the ingest folder, but not yet part of the store. */
export interface IngestedBlob {
  path: string;
  digest: Digest;
  /** True length in bytes; the file may be padded beyond it. */
  size: number;
}

/** Layer tars are padded to a multiple of this, so that the last file's data can be mapped in whole blocks. */
export const PADDING = 512;
/** Every so many bytes the kernel is asked to start writing to the disk, so that the last fsync finds little to do. */
const WRITE_BACK = 32 << 20;

const fsyncFile = promisify(fsync);
const closeFile = promisify(close);

/** Writes and hashes one new file, synchronously: for workers. `finish` or `abandon` must be called. */
export class BlobWriter {
  readonly path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  #size = 0;
  #startedWriteBack = 0;
  #writingBack: Promise<void> | undefined;

  /** Creates the file `path`, which must not exist. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx', 0o400);
    fault('blob.create');
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#append(chunk);
    this.#size += chunk.length;
    fault('blob.write');
    if (this.#size - this.#startedWriteBack >= WRITE_BACK && !this.#writingBack) this.#startWriteBack();
  }

  /** Pads the file, makes it durable and closes it. */
  async finish(): Promise<IngestedBlob> {
    try {
      this.#append(Buffer.alloc(-this.#size & (PADDING - 1)));
      await this.#writingBack;
      await fsyncFile(this.#fd);
      fault('blob.fsync');
    } finally {
      await closeFile(this.#fd);
    }
    return { path: this.path, digest: `sha256:${this.#hash.digest('hex')}`, size: this.#size };
  }

  /** Closes the file, which stays where it is: the ingest folder is removed as a whole. */
  async abandon(): Promise<void> {
    await this.#writingBack;
    await closeFile(this.#fd);
  }

  #append(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  #startWriteBack(): void {
    this.#startedWriteBack = this.#size;
    this.#writingBack = new Promise((resolve) => {
      // An error here is no loss: the fsync at the end reports it.
      fdatasync(this.#fd, () => {
        this.#writingBack = undefined;
        resolve();
      });
    });
  }
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
