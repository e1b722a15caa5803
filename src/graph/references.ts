import type { Digest } from '#lib/digest.ts';
import { formatReference, parseReference, type Reference } from '#lib/reference.ts';

const NONE: readonly Reference[] = [];

/** Which reference names which image. In memory; the database has the same in its table `refs`. */
export class References {
  readonly #images = new Map<string, Digest>();
  /** Sorted by their full form, as Docker lists them. */
  readonly #byImage = new Map<Digest, Reference[]>();

  imageOf(reference: Reference): Digest | undefined {
    return this.#images.get(formatReference(reference));
  }

  of(imageId: Digest): readonly Reference[] {
    return this.#byImage.get(imageId) ?? NONE;
  }

  /** The tags of a repository (`docker.io/library/busybox`), sorted. */
  tagsIn(repository: string): Reference[] {
    const names = [...this.#images.keys()].filter((name) => name.startsWith(`${repository}:`));
    return names.sort().map(parseReference);
  }

  /** Makes `reference` name the image; gives the image that it named before, if that was another one. */
  set(reference: Reference, imageId: Digest): Digest | undefined {
    const full = formatReference(reference);
    const before = this.#images.get(full);
    if (before === imageId) return undefined;
    if (before) this.delete(reference);
    this.#images.set(full, imageId);
    const list = [...this.of(imageId), reference];
    this.#byImage.set(
      imageId,
      list.sort((a, b) => (formatReference(a) < formatReference(b) ? -1 : 1)),
    );
    return before;
  }

  delete(reference: Reference): void {
    const full = formatReference(reference);
    const imageId = this.#images.get(full);
    if (!imageId) return;
    this.#images.delete(full);
    const rest = this.of(imageId).filter((other) => formatReference(other) !== full);
    if (rest.length > 0) this.#byImage.set(imageId, rest);
    else this.#byImage.delete(imageId);
  }

  /** Takes a row of the database. */
  restore(full: string, imageId: Digest): void {
    this.set(parseReference(full), imageId);
  }
}
