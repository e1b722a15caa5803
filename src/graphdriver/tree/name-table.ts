import { randomInt } from 'node:crypto';
import { releaseBytes } from '#lib/release-bytes.ts';

/** Slots at first; a power of two, as always. */
const FIRST_SLOTS = 1 << 10;
const EMPTY = 0;
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

/** Numbers, none 0 or 2^32 - 1, by hashes that several may share: 11 to 21 bytes for each. */
export class NameTable {
  /** Pairs of a hash and a number. */
  #slots = new Uint32Array(2 * FIRST_SLOTS);
  /** Slots that are not empty. */
  #taken = 0;
  #removed = 0;

  /** What it takes in memory. */
  get byteLength(): number {
    return this.#slots.byteLength;
  }

  /** The number with this hash for which `fits` holds. */
  find(hash: number, fits: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hash, fits);
    return slot < 0 ? undefined : this.#slots[slot + 1];
  }

  add(hash: number, number: number): void {
    if (4 * (this.#taken + 1) > 3 * (this.#slots.length / 2)) this.#rebuild();
    this.#put(hash, number);
  }

  remove(hash: number, number: number): void {
    const slot = this.#slotOf(hash, (found) => found === number);
    if (slot < 0) return;
    this.#slots[slot + 1] = REMOVED;
    this.#removed++;
  }

  /** Forgets all, and gives the memory back. */
  clear(): void {
    releaseBytes(this.#slots);
    this.#slots = new Uint32Array(2 * FIRST_SLOTS);
    this.#taken = 0;
    this.#removed = 0;
  }

  #slotOf(hash: number, fits: (number: number) => boolean): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (2 * hash) & mask; ; slot = (slot + 2) & mask) {
      const number = slots[slot + 1]!;
      if (number === EMPTY) return -1;
      if (number !== REMOVED && slots[slot] === hash && fits(number)) return slot;
    }
  }

  #put(hash: number, number: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (2 * hash) & mask;
    while (slots[slot + 1] !== EMPTY) slot = (slot + 2) & mask;
    slots[slot] = hash;
    slots[slot + 1] = number;
    this.#taken++;
  }

  /** Twice as many slots, unless many are free that were taken once. */
  #rebuild(): void {
    const old = this.#slots;
    const grows = 2 * this.#removed < this.#taken;
    this.#slots = new Uint32Array(grows ? 2 * old.length : old.length);
    this.#taken = 0;
    this.#removed = 0;
    for (let slot = 0; slot < old.length; slot += 2) {
      const number = old[slot + 1]!;
      if (number !== EMPTY && number !== REMOVED) this.#put(old[slot]!, number);
    }
    releaseBytes(old);
  }
}
