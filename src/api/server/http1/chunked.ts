import { Malformed } from './malformed.ts';

/** A body in chunks (RFC 9112, section 7.1). */

/** Bytes of a chunk's first line with its extensions, and of all trailers together. */
const LINE_LIMIT = 16 << 10;
const CR = 0x0d;
const LF = 0x0a;
/** The size, and extensions that are tokens with or without a value; without the blanks that only "bad" senders put there. */
const SIZE_LINE =
  /^([0-9A-Fa-f]{1,13})(?:;[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[\t !#-[\]-~]|\\[\t -~])*"))?)*$/;
/** Longer pieces of data are given as they are. */
const MOVED = 1 << 12;
/** The most digits of a size that are read without SIZE_LINE. */
const PLAIN_DIGITS = 8;
/** By byte; -1 = no digit. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => '0123456789abcdef'.indexOf(String.fromCharCode(byte)));
/** No trailer may say where the message or the connection ends (RFC 9110, section 6.5.1). */
const FRAMING = /^(connection|content-length|transfer-encoding):/i;
const TRAILER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*$/;

type Expected = 'size' | 'data' | 'end of data' | 'trailer' | 'nothing';

/** Takes chunks apart, whatever pieces they come in. Extensions and trailers are checked and left out. */
export class ChunkedDecoder {
  #expected: Expected = 'size';
  /** Bytes of the current chunk that are still to come. */
  #left = 0;
  #line = '';
  #trailers = 0;

  get ended(): boolean {
    return this.#expected === 'nothing';
  }

  /** Bytes of a chunk that are still to come, 0 between two of them; undefined where it is something else that comes next. */
  get left(): number | undefined {
    if (this.#expected === 'data') return this.#left;
    return this.#expected === 'end of data' && this.#line === '' ? 0 : undefined;
  }

  /** Goes on where somebody else has stopped: `left` is as above. */
  goOn(left: number): void {
    this.#expected = left > 0 ? 'data' : 'end of data';
    this.#left = left;
  }

  /**
   * Reads `input` on from `start`, gives data to `take`, and gives where it stopped: the end of input, or of the body. Data of
   * small chunks is moved together, for a client may send each write of some bytes as a chunk: `input` is changed. Throws
   * Malformed.
   */
  decode(input: Buffer, start: number, take: (data: Buffer) => void): number {
    let at = start;
    let dataStart = start;
    let dataEnd = start;
    const giveData = () => {
      if (dataEnd > dataStart) take(input.subarray(dataStart, dataEnd));
      dataEnd = dataStart;
    };
    while (at < input.length && !this.ended) {
      if (this.#expected === 'data') {
        const end = Math.min(input.length, at + this.#left);
        if (dataEnd > dataStart && end - at < MOVED) {
          input.copyWithin(dataEnd, at, end);
        } else {
          giveData();
          dataStart = dataEnd = at;
        }
        dataEnd += end - at;
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#expected = 'end of data';
      } else {
        const next = this.#line === '' ? this.#readPlain(input, at) : at;
        if (next === at) giveData();
        at = next > at ? next : this.#readLine(input, at);
      }
    }
    giveData();
    return at;
  }

  /** Reads what nearly all lines are, if it is whole: nothing behind data, or a size without extensions. Else it stays at `start`. */
  #readPlain(input: Buffer, start: number): number {
    if (this.#expected === 'end of data') {
      if (input[start] !== CR || input[start + 1] !== LF) return start;
      this.#expected = 'size';
      return start + 2;
    }
    if (this.#expected !== 'size') return start;
    let size = 0;
    let at = start;
    for (; at < start + PLAIN_DIGITS; at++) {
      const value = HEX[input[at] ?? 0]!;
      if (value < 0) break;
      size = size * 16 + value;
    }
    if (size === 0 || input[at] !== CR || input[at + 1] !== LF) return start;
    this.#left = size;
    this.#expected = 'data';
    return at + 2;
  }

  #readLine(input: Buffer, start: number): number {
    const lf = input.indexOf(LF, start);
    const end = lf < 0 ? input.length : lf + 1;
    if (this.#line.length + end - start > LINE_LIMIT) throw new Malformed('a line between chunks is too long');
    this.#line += input.toString('latin1', start, end);
    if (lf >= 0) {
      const line = this.#line;
      this.#line = '';
      if (line.charCodeAt(line.length - 2) !== CR)
        throw new Malformed('a line between chunks ends without a carriage return');
      this.#takeLine(line.slice(0, -2));
    }
    return end;
  }

  #takeLine(line: string): void {
    switch (this.#expected) {
      case 'size': {
        const size = SIZE_LINE.exec(line)?.[1];
        if (size === undefined) throw new Malformed('a chunk does not begin with its size');
        this.#left = Number.parseInt(size, 16);
        this.#expected = this.#left > 0 ? 'data' : 'trailer';
        return;
      }
      case 'end of data':
        if (line !== '') throw new Malformed('a chunk is longer than its size');
        this.#expected = 'size';
        return;
      default:
        this.#takeTrailer(line);
    }
  }

  #takeTrailer(line: string): void {
    this.#trailers += line.length;
    if (this.#trailers > LINE_LIMIT) throw new Malformed('the trailers are too long');
    if (line === '') this.#expected = 'nothing';
    else if (!TRAILER.test(line) || FRAMING.test(line))
      throw new Malformed('a trailer is not "name: value", or none that may be one');
  }
}
