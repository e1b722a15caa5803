import type { TarEntry } from './tar-entry.ts';
import { BLOCK } from './tar-header.ts';
import { refusal, type TarProgress, tarSequence } from './tar-sequence.ts';

export interface TarHandler {
  /** A header with all that belongs to it has been read; the entry's body comes next. */
  entry(entry: TarEntry): void;
  /** The next piece of the last entry's body (`dataSize` bytes in all). A view into the pushed chunk. */
  data?(chunk: Buffer): void;
}

/**
 * A push parser for tar archives: version 7, ustar, star, GNU and PAX. Feed it with `push` (bytes in order, cut
 * anywhere) and `skip` (bytes of a body that nobody needs to see), then call `end`. Memory is bounded whatever comes.
 * Throws EngineError `invalid` that names entry and offset; the parser is of no use after that.
 */
export class TarParser {
  readonly #handler: TarHandler;
  readonly #progress: TarProgress = { position: 0, headerOffset: 0, name: '', pending: false, wanted: 0 };
  readonly #sequence = tarSequence(this.#progress);
  readonly #refuse = refusal(this.#progress);
  /** A block of which only the first `#filled` bytes have come. */
  readonly #partial = Buffer.alloc(BLOCK);
  #filled = 0;
  #bodyLeft = 0;
  #paddingLeft = 0;
  #done = false;

  constructor(handler: TarHandler) {
    this.#handler = handler;
    this.#sequence.next();
  }

  /** Offset of the next byte that `push` or `skip` takes. */
  get position(): number {
    return this.#progress.position;
  }

  /** The end-of-archive blocks have been read: whatever follows is not part of the archive. */
  get done(): boolean {
    return this.#done;
  }

  /** How many of the next bytes belong to a body. */
  get bodyLeft(): number {
    return this.#bodyLeft;
  }

  /** How many of the next bytes belong to a body or its padding and may be given to `skip` instead of `push`. */
  get skippable(): number {
    return this.#bodyLeft + this.#paddingLeft;
  }

  /** `count` must not be more than `skippable`. */
  skip(count: number): void {
    const body = Math.min(count, this.#bodyLeft);
    this.#bodyLeft -= body;
    this.#paddingLeft -= count - body;
    this.#progress.position += count;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at += this.#take(chunk, at);
  }

  /** To be called after the last byte. End-of-archive blocks and the last padding may be missing. */
  end(): void {
    if (this.#done) return;
    const { wanted } = this.#progress;
    if (wanted > 0 && wanted <= this.#filled) {
      this.#takeBlock(this.#partial.fill(0, this.#filled), 0);
      this.#filled = 0;
    }
    if (this.#bodyLeft > 0) throw this.#refuse(`the archive ends, ${this.#bodyLeft} bytes of its content are missing`);
    if (this.#filled > 0 && !this.#progress.pending) {
      this.#progress.headerOffset = this.position - this.#filled;
      this.#progress.name = '';
    }
    if (this.#filled > 0 || this.#progress.pending) throw this.#refuse('the archive ends inside a header');
  }

  /** Takes some bytes of `chunk` from `at` on and says how many. */
  #take(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (this.#bodyLeft > 0) {
      const count = Math.min(this.#bodyLeft, available);
      this.#handler.data?.(chunk.subarray(at, at + count));
      this.skip(count);
      return count;
    }
    if (this.#done || this.#paddingLeft > 0) {
      const count = this.#done ? available : Math.min(this.#paddingLeft, available);
      this.#paddingLeft = Math.max(0, this.#paddingLeft - count);
      this.#progress.position += count;
      return count;
    }
    if (this.#filled === 0 && available >= BLOCK) {
      this.#takeBlock(chunk.subarray(at, at + BLOCK), BLOCK);
      return BLOCK;
    }
    const count = chunk.copy(this.#partial, this.#filled, at, at + Math.min(BLOCK - this.#filled, available));
    this.#filled += count;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#takeBlock(this.#partial, count);
    } else {
      this.#progress.position += count;
    }
    return count;
  }

  #takeBlock(block: Buffer, newBytes: number): void {
    this.#progress.position += newBytes;
    const { value: entry, done } = this.#sequence.next(block);
    this.#done = done === true;
    if (!entry) return;
    if (entry.dataSize > Number.MAX_SAFE_INTEGER - this.position) throw this.#refuse('its size is beyond all files');
    this.#bodyLeft = entry.dataSize;
    this.#paddingLeft = -entry.dataSize & (BLOCK - 1);
    this.#handler.entry(entry);
  }
}
