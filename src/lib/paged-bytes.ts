import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { errnoCode, system } from '#errors/errors.ts';
import { releaseBytes } from './release-bytes.ts';

/** Bytes of a page. */
export const PAGE = 64 << 10;

/** open(2): a file without a name in a folder, which is gone when it is closed. */
const O_TMPFILE = 0o20200000;

export interface Page {
  readonly bytes: Buffer;
  readonly view: DataView;
}

interface HeldPage extends Page {
  number: number;
  /** Somebody has asked for it since the last look for one that can go. */
  used: boolean;
  /** It is not in the file as it is. */
  dirty: boolean;
}

/**
 * Memory that grows without bound, of which only so much is in memory: pages that nobody has asked for lately lie in a file
 * without a name, or stay where such a file cannot be made. Synchronous: for workers. Throws `system` (`ENOSPC`) when there is
 * no room for what the file is to hold.
 */
export class PagedBytes {
  readonly #folder: string | undefined;
  #limit: number;
  /** By number; undefined = in the file, or not there yet. */
  readonly #pages: (HeldPage | undefined)[] = [];
  readonly #held: HeldPage[] = [];
  /** Where in `#held` the next look for a page that can go begins. */
  #hand = 0;
  #last: HeldPage | undefined;
  #file: number | undefined;

  /** `folder`: where the file is to be; without one all pages stay in memory. `limit`: the most pages in memory, at least 2. */
  constructor(folder?: string, limit = 16) {
    this.#folder = folder;
    this.#limit = folder === undefined ? Number.POSITIVE_INFINITY : limit;
  }

  /** A page to read, at first all zeros. It is good until two others have been asked for. */
  page(number: number): Page {
    return this.#use(number);
  }

  /** A page to write; it is as good. */
  writable(number: number): Page {
    const page = this.#use(number);
    page.dirty = true;
    return page;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#pages.length = 0;
    for (const { bytes } of this.#held.splice(0)) releaseBytes(bytes);
  }

  #use(number: number): HeldPage {
    const page = this.#pages[number] ?? this.#load(number);
    page.used = true;
    this.#last = page;
    return page;
  }

  #load(number: number): HeldPage {
    const page = this.#held.length < this.#limit ? this.#newPage() : this.#evict();
    if (!this.#read(page, number)) page.bytes.fill(0);
    page.number = number;
    page.dirty = false;
    this.#pages[number] = page;
    return page;
  }

  #newPage(): HeldPage {
    const bytes = Buffer.from(new ArrayBuffer(PAGE));
    const view = new DataView(bytes.buffer, bytes.byteOffset, PAGE);
    const page = { bytes, view, number: -1, used: false, dirty: false };
    this.#held.push(page);
    return page;
  }

  /** Makes a page free that was not asked for since the last round, and is not the last one that was. */
  #evict(): HeldPage {
    if (!this.#openFile()) return this.#newPage();
    for (;;) {
      const page = this.#held[this.#hand]!;
      this.#hand = (this.#hand + 1) % this.#held.length;
      if (!page.used && page !== this.#last) {
        if (page.dirty) this.#write(page);
        this.#pages[page.number] = undefined;
        return page;
      }
      page.used = false;
    }
  }

  #openFile(): boolean {
    if (this.#file !== undefined) return true;
    try {
      this.#file = openSync(this.#folder!, O_TMPFILE | constants.O_RDWR, 0o600);
      return true;
    } catch {
      this.#limit = Number.POSITIVE_INFINITY;
      return false;
    }
  }

  #write({ bytes, number }: HeldPage): void {
    try {
      for (let done = 0; done < PAGE; ) {
        done += writeSync(this.#file!, bytes, done, PAGE - done, number * PAGE + done);
      }
    } catch (cause) {
      const code = errnoCode(cause);
      const hint = 'make room on the file system of the data-root';
      throw system(`cannot write what does not fit in memory to ${this.#folder}: ${(cause as Error).message}`, {
        ...(code && { code }),
        hint,
        cause,
      });
    }
  }

  /** False for a page that is not in the file: nobody has asked for it before. */
  #read({ bytes }: HeldPage, number: number): boolean {
    if (this.#file === undefined) return false;
    let done = 0;
    for (let count = 1; count > 0 && done < PAGE; done += count) {
      count = readSync(this.#file, bytes, done, PAGE - done, number * PAGE + done);
    }
    return done === PAGE;
  }
}
