import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fault } from '#lib/write-steps.ts';
import { writeError } from './blob-writer.ts';

/**
 * A blob that comes together from a server, in a folder of `ContentStore.beginDownload`. Its bytes survive the engine, not
 * always a power cut: its digest is verified when it is complete.
 */
export class PartialBlob {
  readonly path: string;
  readonly #validatorPath: string;
  readonly #file: Awaited<ReturnType<typeof open>>;
  #size: number;
  #validator: string | undefined;

  private constructor(folder: string, file: Awaited<ReturnType<typeof open>>, size: number, validator: string) {
    this.path = partialBlobPath(folder);
    this.#validatorPath = join(folder, 'validator');
    this.#file = file;
    this.#size = size;
    this.#validator = validator || undefined;
  }

  /** Opens what is there; `close` must be called. */
  static async open(folder: string): Promise<PartialBlob> {
    const file = await open(partialBlobPath(folder), 'a', 0o600);
    const [{ size }, validator] = await Promise.all([
      file.stat(),
      readFile(join(folder, 'validator'), 'utf8').catch(() => ''),
    ]);
    return new PartialBlob(folder, file, size, validator);
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** What the server calls this version of the bytes (a strong ETag), if it has told. */
  get validator(): string | undefined {
    return this.#validator;
  }

  async setValidator(validator: string): Promise<void> {
    if (validator === this.#validator) return;
    await writeFile(this.#validatorPath, validator, { mode: 0o600 });
    this.#validator = validator;
    fault('download.validator');
  }

  /** Throws `system` when it cannot be written. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.appendFile(bytes);
    } catch (error) {
      throw writeError(this.path, error);
    }
    this.#size += bytes.length;
    fault('download.write');
  }

  /** Forgets all bytes. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    await rm(this.#validatorPath, { force: true });
    this.#size = 0;
    this.#validator = undefined;
    fault('download.restart');
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Where the bytes are in such a folder. */
export const partialBlobPath = (folder: string) => join(folder, 'blob');
