import type { Duplex } from 'node:stream';
import { handleOf, type Lent, type Receivable } from '#lib/client-socket.ts';
import { type ByteSource, readUntil } from './byte-source.ts';

/** Bytes of a line between chunks. */
const LINE_LIMIT = 1 << 20;

/**
 * The body of a reply: so many bytes, chunks (RFC 9112, section 7.1), or everything until the end of the connection. It can be
 * read once. Reading rejects when the connection ends before it does.
 */
export class ReplyBody implements Receivable {
  readonly #socket: Duplex;
  readonly #source: ByteSource;
  readonly #chunked: boolean;
  /** Bytes until the body or a chunk of it ends; Infinity where only the connection does. */
  #left: number;
  #lost = false;
  readonly #pieces: AsyncGenerator<Buffer>;

  constructor(socket: Duplex, source: ByteSource, length: number | 'chunked') {
    this.#socket = socket;
    this.#source = source;
    this.#chunked = length === 'chunked';
    this.#left = length === 'chunked' ? 0 : length;
    this.#pieces = this.#read();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    return this.#pieces;
  }

  descriptor(): number | undefined {
    return handleOf(this.#socket)?.fd;
  }

  /** Stops reading beneath the stream, which knows nothing of it: for it no byte comes meanwhile. */
  lend(): Lent | undefined {
    const handle = handleOf(this.#socket);
    if (!handle || this.#left === 0 || this.#left === Infinity) return undefined;
    const early = this.#source.come();
    if (early.length > this.#left) {
      this.#source.unread(early); // there is a line among it
      return undefined;
    }
    this.#left -= early.length;
    handle.readStop();
    let out = true;
    const goOn = (change: () => void) => {
      if (!out) return;
      out = false;
      change();
      if (handle.reading) handle.readStart();
    };
    return {
      early: early.length > 0 ? [early] : [],
      left: this.#left,
      chunked: this.#chunked,
      giveBack: (left = this.#left, spare = Buffer.alloc(0)) =>
        goOn(() => {
          this.#left = left;
          this.#source.unread(spare);
        }),
      lose: () =>
        goOn(() => {
          this.#lost = true;
        }),
    };
  }

  async *#read(): AsyncGenerator<Buffer> {
    try {
      if (this.#chunked && !(await this.#beginChunk())) return;
      do {
        while (this.#left > 0) {
          const piece = await this.#next();
          if (!piece) return;
          yield piece;
        }
      } while (this.#chunked && (await this.#endChunk()) && (await this.#beginChunk()));
    } finally {
      this.#socket.destroy();
    }
  }

  /** Undefined at the end of the connection, where that is the body's. */
  async #next(): Promise<Buffer | undefined> {
    const bytes = this.#lost ? undefined : await this.#source.read();
    if (!bytes) {
      if (this.#left === Infinity) return undefined;
      const missing = this.#chunked ? 'in the middle of a reply' : `${this.#left} bytes before the end of the reply`;
      throw new Error(`the connection was closed ${missing}`);
    }
    const piece = bytes.subarray(0, this.#left);
    this.#source.unread(bytes.subarray(piece.length));
    this.#left -= piece.length;
    return piece;
  }

  /** False at the last one. */
  async #beginChunk(): Promise<boolean> {
    const size = /^([0-9a-f]{1,13})\s*(?:;.*)?$/i.exec((await readUntil(this.#source, '\r\n', LINE_LIMIT)) ?? '');
    if (!size) throw new Error('the connection was closed in the middle of a reply');
    this.#left = Number.parseInt(size[1]!, 16);
    if (this.#left > 0) return true;
    while ((await readUntil(this.#source, '\r\n', LINE_LIMIT)) !== '') {
      // trailer fields carry nothing that this client uses
    }
    return false;
  }

  async #endChunk(): Promise<boolean> {
    if ((await readUntil(this.#source, '\r\n', LINE_LIMIT)) === '') return true;
    throw new Error('the reply has a malformed chunk');
  }
}
