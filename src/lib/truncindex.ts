/** Ids that can be looked up by any prefix that only one of them has. Sorted, so a look-up is a binary search. */
export class TruncIndex {
  readonly #ids: string[];

  constructor(ids: Iterable<string> = []) {
    this.#ids = [...new Set(ids)].sort();
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Adding an id that is there changes nothing. */
  add(id: string): void {
    const at = this.#lowerBound(id);
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id);
  }

  /** Deleting an id that is not there changes nothing. */
  delete(id: string): void {
    const at = this.#lowerBound(id);
    if (this.#ids[at] === id) this.#ids.splice(at, 1);
  }

  /**
   * The id that starts with `prefix`; `undefined` when none does, `'ambiguous'` when several do. A whole id is found
   * even when it is also the beginning of others; the empty prefix finds nothing.
   */
  find(prefix: string): { id: string } | 'ambiguous' | undefined {
    if (prefix === '') return undefined;
    const at = this.#lowerBound(prefix);
    const id = this.#ids[at];
    if (!id?.startsWith(prefix)) return undefined;
    if (id !== prefix && this.#ids[at + 1]?.startsWith(prefix)) return 'ambiguous';
    return { id };
  }

  /** Position of the first id that is not below `key`. */
  #lowerBound(key: string): number {
    let high = this.#ids.length;
    if (high > 0 && this.#ids[high - 1]! < key) return high; // ids that come sorted
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ids[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
