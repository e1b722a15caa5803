import { join } from 'node:path';
import type { LayerPreparer, Preparation, PreparedLayer } from './driver.ts';

/** Prepares one layer. What is wrong with its tar ends that silently: `applyDiff` will find the same in it, and say it. */
export class LayerPreparation {
  readonly #path: string;
  #preparer: LayerPreparer | undefined;
  #prepared: PreparedLayer | undefined;

  private constructor(path: string, preparer: LayerPreparer) {
    this.#path = path;
    this.#preparer = preparer;
  }

  /** `name`: a file's, for this layer alone. */
  static async begin({ module, folder }: Preparation, name: string): Promise<LayerPreparation> {
    const { prepare } = (await import(module)) as { prepare(path: string): LayerPreparer };
    const path = join(folder, name);
    return new LayerPreparation(path, prepare(path));
  }

  get prepared(): PreparedLayer | undefined {
    return this.#prepared;
  }

  push(bytes: Buffer): void {
    try {
      this.#preparer?.push(bytes);
    } catch {
      this.close();
    }
  }

  async end({ digest }: { digest: string }, tar: number): Promise<void> {
    try {
      if (this.#preparer) this.#prepared = { path: this.#path, stat: await this.#preparer.end(digest, tar) };
    } catch {
      this.close();
    }
  }

  close(): void {
    this.#preparer?.close();
    this.#preparer = undefined;
  }
}
