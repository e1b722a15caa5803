import type { Lent, Receivable } from '#lib/client-socket.ts';

/** Bytes of a body that may wait to be read; beyond them the client waits. */
const ENOUGH = 1 << 16;

/** What the body needs of its connection. */
export interface BodySource {
  /** Somebody reads, or has read what made it too much: more may come. */
  wanted(): void;
  descriptor(): number | undefined;
  /** As `Receivable` says, but for what waits to be read here; all that has come is here by then. */
  lend(): Omit<Lent, 'early'> | undefined;
}

/**
 * The body of a request, as it comes; it is read once. A reader that leaves before the end is no harm: the rest is dropped when
 * the reply is out. Rejects with the code ECONNRESET when the client goes away before the end.
 */
export class RequestBody implements Receivable {
  readonly #source: BodySource | undefined;
  #chunks: Buffer[] = [];
  #waiting = 0;
  #ended = false;
  #dropped = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** Without a source it is empty. */
  constructor(source?: BodySource) {
    this.#source = source;
    this.#ended = source === undefined;
  }

  /** True once all of it has come, whether or not it has been read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes what came. False = no more for now. */
  push(chunk: Buffer): boolean {
    if (this.#dropped) return true;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    this.#wakeReader();
    return this.#waiting < ENOUGH;
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  fail(error: Error): void {
    if (this.#ended) return;
    this.#failure = error;
    this.#wakeReader();
  }

  /** Nobody is going to read what is here and what still comes. */
  drop(): void {
    this.#dropped = true;
    this.#chunks = [];
    this.#waiting = 0;
    this.#source?.wanted();
  }

  descriptor(): number | undefined {
    return this.#source?.descriptor();
  }

  lend(): Lent | undefined {
    const lent = this.#source?.lend();
    if (!lent) return undefined;
    const early = this.#chunks;
    this.#chunks = [];
    this.#waiting = 0;
    return { ...lent, early };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#waiting -= chunk.length;
        yield chunk;
      } else if (this.#failure) {
        throw this.#failure;
      } else if (this.#ended) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        this.#source?.wanted();
        await promise;
      }
    }
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** That of every request without one. */
export const NO_BODY = new RequestBody();
