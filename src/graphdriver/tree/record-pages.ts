import { PAGE, type Page, PagedBytes } from '#lib/paged-bytes.ts';

const UNIT = 8;
const UNITS_PER_PAGE = PAGE / UNIT;
/** Bytes before what is kept: its length. */
const HEAD = 4;

/** Where a record begins, in units of 8 bytes; 0 is no record's. */
export type RecordId = number;

/** Records of a few bytes each in one page, and bytes of any length, in pages of which only so many are in memory. */
export class RecordPages {
  readonly #pages: PagedBytes;
  #end: RecordId = 1;

  /** `folder`: on a disk, for what does not fit in memory. */
  constructor(folder?: string) {
    this.#pages = new PagedBytes(folder);
  }

  /** Room for a record of at most a page, all zeros. */
  allot(size: number): RecordId {
    const units = Math.ceil(size / UNIT);
    const left = UNITS_PER_PAGE - (this.#end % UNITS_PER_PAGE);
    if (units > left) this.#end += left;
    const id = this.#end;
    this.#end += units;
    return id;
  }

  /** The page of a record to read, good until two others have been asked for. */
  page(id: RecordId): Page {
    return this.#pages.page(Math.floor(id / UNITS_PER_PAGE));
  }

  writable(id: RecordId): Page {
    return this.#pages.writable(Math.floor(id / UNITS_PER_PAGE));
  }

  u32(id: RecordId, field: number): number {
    return this.page(id).view.getUint32(place(id) + field, true);
  }

  setU32(id: RecordId, field: number, value: number): void {
    this.writable(id).view.setUint32(place(id) + field, value, true);
  }

  /** Keeps bytes that do not change any more. */
  keep(bytes: Buffer): RecordId {
    const id = this.allot(HEAD + bytes.length);
    this.setU32(id, 0, bytes.length);
    let number = Math.floor(id / UNITS_PER_PAGE);
    for (let done = 0, at = place(id) + HEAD; done < bytes.length; number++, at = 0) {
      done += bytes.copy(this.#pages.writable(number).bytes, at, done);
    }
    return id;
  }

  lengthOf(kept: RecordId): number {
    return this.u32(kept, 0);
  }

  /** A copy of what was kept. */
  read(kept: RecordId): Buffer {
    const bytes = Buffer.allocUnsafe(this.lengthOf(kept));
    let number = Math.floor(kept / UNITS_PER_PAGE);
    for (let done = 0, at = place(kept) + HEAD; done < bytes.length; number++, at = 0) {
      done += this.#pages.page(number).bytes.copy(bytes, done, at);
    }
    return bytes;
  }

  close(): void {
    this.#pages.close();
  }
}

/** Where in its page a record begins. */
export function place(id: RecordId): number {
  return (id % UNITS_PER_PAGE) * UNIT;
}
