import { type FileHandle, open } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';

/** Reads a small file of the kernel whole; empty when it is not, or no longer, there. */
export type ReadText = (path: string) => Promise<string>;

/** More than nearly every file of a control group has. Bytes. */
const PIECE = 8192;

/**
 * Files of the kernel that are read again and again and stay open meanwhile. Only for files of one record, as those of
 * control groups and /proc/stat are: a read of one gives all that fits.
 */
export class OpenFiles {
  readonly #handles = new Map<string, Promise<FileHandle>>();
  #closed = false;

  readonly read: ReadText = async (path) => (await this.#read(path)) ?? (await this.#read(path)) ?? '';

  /** A read that is under way ends as if the files were not there. */
  async close(): Promise<void> {
    this.#closed = true;
    const handles = [...this.#handles.values()];
    this.#handles.clear();
    await Promise.allSettled(handles.map(async (handle) => (await handle).close()));
  }

  /** Undefined when there is no such file, or no longer; in its place there may be another one, of a group made anew. */
  async #read(path: string): Promise<string | undefined> {
    const opening = this.#open(path);
    try {
      return await readFromStart(await opening);
    } catch (error) {
      const code = errnoCode(error);
      if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'EBADF') throw error;
      if (this.#handles.get(path) === opening) this.#handles.delete(path);
      await opening.then((file) => file.close()).catch(() => undefined);
      return undefined;
    }
  }

  #open(path: string): Promise<FileHandle> {
    const known = this.#handles.get(path);
    if (known) return known;
    if (this.#closed) return Promise.reject(Object.assign(new Error(`${path} was closed`), { code: 'EBADF' }));
    const opening = open(path);
    this.#handles.set(path, opening);
    return opening;
  }
}

async function readFromStart(file: FileHandle): Promise<string> {
  const pieces: Buffer[] = [];
  for (let position = 0; ; ) {
    const buffer = Buffer.allocUnsafe(PIECE);
    const { bytesRead } = await file.read(buffer, 0, PIECE, position);
    pieces.push(buffer.subarray(0, bytesRead));
    position += bytesRead;
    if (bytesRead < PIECE) return Buffer.concat(pieces).toString();
  }
}
