import { closeSync, openSync, readSync } from 'node:fs';
import { errnoCode } from '#errors/errors.ts';

/** Reads a small file of the kernel whole; empty when it is not, or no longer, there. */
export type ReadText = (path: string) => Promise<string>;

/** More than nearly every file of a control group has. Bytes. */
const piece = Buffer.allocUnsafe(8192);

/**
 * Files of the kernel that are read again and again and stay open meanwhile. Only for files of one record, as those of
 * control groups and /proc/stat are: a read of one gives all that fits. They are read at once, for the kernel makes their
 * text from memory in less time than it takes to have another thread do it.
 */
export class OpenFiles {
  readonly #descriptors = new Map<string, number>();
  #closed = false;

  readonly read: ReadText = async (path) => this.#read(path) ?? this.#read(path) ?? '';

  /** From now on there are no files. */
  close(): void {
    this.#closed = true;
    for (const path of this.#descriptors.keys()) this.#forget(path);
  }

  /** Undefined when there is no such file, or no longer; in its place there may be another one, of a group made anew. */
  #read(path: string): string | undefined {
    if (this.#closed) return undefined;
    try {
      const descriptor = this.#descriptors.get(path) ?? openSync(path, 'r');
      this.#descriptors.set(path, descriptor);
      return readFromStart(descriptor);
    } catch (error) {
      const code = errnoCode(error);
      if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
      this.#forget(path);
      return undefined;
    }
  }

  #forget(path: string): void {
    const descriptor = this.#descriptors.get(path);
    if (descriptor !== undefined) closeSync(descriptor);
    this.#descriptors.delete(path);
  }
}

function readFromStart(descriptor: number): string {
  let text = '';
  for (;;) {
    const length = readSync(descriptor, piece, 0, piece.length, text.length);
    text += piece.toString('latin1', 0, length);
    if (length < piece.length) return text;
  }
}
