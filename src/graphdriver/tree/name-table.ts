import { randomInt } from 'node:crypto';
import { PAGE, PagedBytes } from '#lib/paged-bytes.ts';
import { releaseBytes } from '#lib/release-bytes.ts';

/** Slots at first; a power of two, as always. */
const FIRST_SLOTS = 1 << 10;
const EMPTY = 0;
/** No place's: places are fewer than three in four slots. */
const REMOVED = 0xffffffff;

/** So that nobody can make names that all fall on one another. */
const seed = randomInt(2 ** 32);

/** 32 bits of a name in a directory (MurmurHash3's mixing, a character at a time). */
export function hashName(directory: number, name: string): number {
  let hash = mix(seed, directory);
  for (let at = 0; at < name.length; at++) hash = mix(hash, name.charCodeAt(at));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(hash: number, value: number): number {
  let mixed = Math.imul(value, 0xcc9e2d51);
  mixed = hash ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Bytes of a number's record: its hash, and the number, 0 when it was removed. */
const RECORD = 8;
const NUMBER = 4;
const RECORDS_PER_PAGE = PAGE / RECORD;
const PAGES_IN_MEMORY = 4;

/**
 * Numbers, none 0, by hashes that several may share. Of each, 6 to 11 bytes are in memory; 8 more lie in pages of which few are.
 *
 * A number is known by its place among the records. A slot is chosen by the lowest bits of a hash and holds the others, so it has
 * as many bits left for a place as there are bits in a slot's own number: 32 in all, however many slots there are.
 */
export class NameTable {
  #slots = new Uint32Array(FIRST_SLOTS);
  readonly #folder: string | undefined;
  #records: PagedBytes;
  /** Records, and slots that are not empty. */
  #taken = 0;
  #removed = 0;

  /** `folder`: on a disk, for what does not fit in memory. */
  constructor(folder?: string) {
    this.#folder = folder;
    this.#records = new PagedBytes(folder, PAGES_IN_MEMORY);
  }

  /** What the slots take in memory. */
  get byteLength(): number {
    return this.#slots.byteLength;
  }

  /** The number with this hash for which `fits` holds. */
  find(hash: number, fits: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hash, fits);
    return slot < 0 ? undefined : this.#numberAt(this.#placeIn(slot));
  }

  add(hash: number, number: number): void {
    if (4 * (this.#taken + 1) > 3 * this.#slots.length) this.#rebuild();
    this.#append(hash, number);
  }

  remove(hash: number, number: number): void {
    const slot = this.#slotOf(hash, (found) => found === number);
    if (slot < 0) return;
    this.#write(this.#placeIn(slot), hash, 0);
    this.#slots[slot] = REMOVED;
    this.#removed++;
  }

  /** Forgets all, and gives the memory back. */
  clear(): void {
    releaseBytes(this.#slots);
    this.#records.close();
    this.#slots = new Uint32Array(FIRST_SLOTS);
    this.#records = new PagedBytes(this.#folder, PAGES_IN_MEMORY);
    this.#taken = 0;
    this.#removed = 0;
  }

  #slotOf(hash: number, fits: (number: number) => boolean): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const held = slots[slot]!;
      if (held === EMPTY) return -1;
      if (((held ^ hash) & ~mask) === 0 && held !== REMOVED && fits(this.#numberAt(held & mask))) return slot;
    }
  }

  #placeIn(slot: number): number {
    return this.#slots[slot]! & (this.#slots.length - 1);
  }

  #append(hash: number, number: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    const place = ++this.#taken;
    slots[slot] = (hash & ~mask) | place;
    this.#write(place, hash, number);
  }

  /** Twice as many slots, unless many are free that were taken once. */
  #rebuild(): void {
    const { length } = this.#slots;
    const records = this.#taken;
    const grows = 2 * this.#removed < records;
    releaseBytes(this.#slots);
    this.#slots = new Uint32Array(grows ? 2 * length : length);
    this.#taken = 0;
    this.#removed = 0;
    for (let place = 1; place <= records; place++) {
      const number = this.#numberAt(place);
      if (number !== 0) this.#append(this.#hashAt(place), number);
    }
  }

  #hashAt(place: number): number {
    const { view } = this.#records.page(Math.floor(place / RECORDS_PER_PAGE));
    return view.getUint32((place % RECORDS_PER_PAGE) * RECORD, true);
  }

  #numberAt(place: number): number {
    const { view } = this.#records.page(Math.floor(place / RECORDS_PER_PAGE));
    return view.getUint32((place % RECORDS_PER_PAGE) * RECORD + NUMBER, true);
  }

  #write(place: number, hash: number, number: number): void {
    const { view } = this.#records.writable(Math.floor(place / RECORDS_PER_PAGE));
    const at = (place % RECORDS_PER_PAGE) * RECORD;
    view.setUint32(at, hash, true);
    view.setUint32(at + NUMBER, number, true);
  }
}
