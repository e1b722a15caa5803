import { Malformed } from './malformed.ts';

/** Bytes of a request's head: X-Registry-Config alone may hold dozens of credentials. */
export const HEAD_LIMIT = 1 << 20;

const END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;

/** A head as text, from the request line to the end of its last line, and where in the chunk the next byte stands. */
export interface HeadText {
  text: string;
  end: number;
}

/** Finds heads in the chunks of a connection. A head that comes byte by byte costs no more than its length. */
export class HeadReader {
  /** The beginning of a head that has come so far; the array is longer than what is in it. */
  #kept: Buffer | undefined;
  #length = 0;

  /** True when a head has begun and is not complete. */
  get isWithin(): boolean {
    return this.#length > 0;
  }

  /** Reads on at `start`. Undefined = the whole rest of the chunk is taken, and more is to come. Throws Malformed. */
  read(chunk: Buffer, start: number): HeadText | undefined {
    let from = start;
    if (this.#length === 0) {
      while (chunk[from] === CR || chunk[from] === LF) from++; // RFC 9112, section 2.2
      const at = chunk.indexOf(END, from);
      if (at >= 0 && at + END.length - from <= HEAD_LIMIT) {
        return { text: chunk.toString('latin1', from, at + 2), end: at + END.length };
      }
      if (from >= chunk.length) return undefined;
      checkBeginning(chunk[from]!);
    }
    return this.#keep(chunk, from);
  }

  #keep(chunk: Buffer, from: number): HeadText | undefined {
    const before = this.#length;
    const bytes = this.#append(chunk.subarray(from, from + HEAD_LIMIT + 1 - before));
    const at = bytes.indexOf(END, Math.max(0, before - END.length + 1));
    if (at >= 0 && at + END.length <= HEAD_LIMIT) {
      this.#kept = undefined;
      this.#length = 0;
      return { text: bytes.toString('latin1', 0, at + 2), end: from + at + END.length - before };
    }
    if (bytes.length > HEAD_LIMIT) throw new Malformed(`the request's head is larger than ${HEAD_LIMIT} bytes`, 431);
    checkLineEnds(bytes, before);
    return undefined;
  }

  /** Gives all that is kept; what belongs to it is `#kept` up to `#length`. */
  #append(piece: Buffer): Buffer {
    const length = this.#length + piece.length;
    if (!this.#kept || length > this.#kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1024, length * 2));
      this.#kept?.copy(larger, 0, 0, this.#length);
      this.#kept = larger;
    }
    piece.copy(this.#kept, this.#length);
    this.#length = length;
    return this.#kept.subarray(0, length);
  }
}

/** Who speaks something else (TLS, for one) is told at once, and not when it gives up waiting. */
function checkBeginning(byte: number): void {
  if (!TOKEN.test(String.fromCharCode(byte))) throw new Malformed('this is not the beginning of an HTTP/1.1 request');
}

/** A head with bare line feeds would never end. */
function checkLineEnds(bytes: Buffer, from: number): void {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) throw new Malformed('a line ends without a carriage return');
  }
}
