import * as wire from './monitor-wire.ts';

/** Bytes that may be on their way before a writer has to wait. */
const LIMIT = 256 << 10;

/** What attached clients write, on its way to a monitor: one piece after the other, each when the last one was taken. */
export class MonitorInput {
  readonly #send: (frame: Buffer) => void;
  #queue: Buffer[] = [];
  /** Bytes in the queue. */
  #length = 0;
  #waiting: (() => void)[] = [];
  #owed = false;
  #ended = false;

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
  }

  /** Calls back when there is room for more; for a process that has ended, bytes are dropped. */
  write(bytes: Buffer, done: () => void): void {
    for (let offset = 0; offset < bytes.length; offset += wire.maxPayload) {
      this.#put(wire.encodeFrame(wire.request.stdin, bytes.subarray(offset, offset + wire.maxPayload)));
    }
    this.#waiting.push(done);
    this.#pump();
  }

  /** Sends a request that has no answer behind what was written, which may come later. */
  put(frame: Buffer): void {
    this.#put(frame);
    this.#pump();
  }

  /** The monitor has room for more. */
  taken(): void {
    this.#owed = false;
    this.#pump();
  }

  /** Nobody reads any more. */
  end(): void {
    this.#ended = true;
    this.#queue = [];
    this.#length = 0;
    this.#pump();
  }

  #put(frame: Buffer): void {
    if (this.#ended) return;
    this.#queue.push(frame);
    this.#length += frame.length;
  }

  #pump(): void {
    while (!this.#owed && this.#queue.length > 0) {
      const frame = this.#queue.shift()!;
      this.#length -= frame.length;
      this.#owed = frame[1] === wire.request.stdin;
      this.#send(frame);
    }
    if (this.#length <= LIMIT) for (const done of this.#waiting.splice(0)) done();
  }
}
