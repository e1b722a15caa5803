import type { Digest } from '#lib/digest.ts';
import { TruncIndex } from '#lib/truncindex.ts';

/** The random ids that images had before ids were digests: 64 hex digits that lead to the image of today. */
export class Aliases {
  readonly #images = new Map<string, Digest>();
  readonly #ids = new TruncIndex();

  set(alias: string, imageId: Digest): void {
    this.#images.set(alias, imageId);
    this.#ids.add(alias);
  }

  /** By the whole alias or a prefix that no other one has. */
  find(prefix: string): Digest | undefined {
    const found = this.#ids.find(prefix);
    return found === undefined || found === 'ambiguous' ? undefined : this.#images.get(found.id);
  }

  /** Forgets all aliases of an image. */
  drop(imageId: Digest): void {
    for (const [alias, id] of this.#images) {
      if (id !== imageId) continue;
      this.#images.delete(alias);
      this.#ids.delete(alias);
    }
  }
}
