import { releaseBytes } from '#lib/release-bytes.ts';
import type { PartialBlob } from './partial-blob.ts';

/** Bytes of each of the two buffers: one is filled while the other one is written. */
const BUFFER_SIZE = 256 << 10;

/**
 * Appends to a blob what comes in small pieces: those that come during one write go with the next. It holds two buffers,
 * however slow the disk is. `close` must be called.
 */
export class AppendQueue {
  readonly #blob: Pick<PartialBlob, 'append'>;
  readonly #onAppended: () => void;
  #filling = Buffer.allocUnsafeSlow(BUFFER_SIZE);
  #other = Buffer.allocUnsafeSlow(BUFFER_SIZE);
  #length = 0;
  /** All writes, and the one that is under way. */
  #writing: Promise<void> | undefined;
  #append: Promise<void> | undefined;

  /** `onAppended` is called after each write. */
  constructor(blob: Pick<PartialBlob, 'append'>, onAppended: () => void) {
    this.#blob = blob;
    this.#onAppended = onAppended;
  }

  /** Takes over a piece, which is of no use to the caller from now on; waits when both buffers are full. Throws as `append` does. */
  async add(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      while (this.#length === BUFFER_SIZE) await this.#append;
      const count = piece.copy(this.#filling, this.#length, at);
      this.#length += count;
      at += count;
      this.#beginWriting();
    }
    releaseBytes(piece);
  }

  /** Resolves when all is written, or cannot be; the queue is of no use afterwards. Throws as `append` does. */
  async close(): Promise<void> {
    try {
      await this.#writing;
    } finally {
      releaseBytes(this.#filling);
      releaseBytes(this.#other);
    }
  }

  #beginWriting(): void {
    if (this.#writing) return;
    this.#writing = this.#write();
    // Whoever adds next, or closes, gets the failure.
    this.#writing.catch(() => {});
  }

  async #write(): Promise<void> {
    while (this.#length > 0) {
      const full = this.#filling.subarray(0, this.#length);
      [this.#filling, this.#other] = [this.#other, this.#filling];
      this.#length = 0;
      this.#append = this.#blob.append(full);
      await this.#append;
      this.#onAppended();
    }
    this.#writing = undefined;
  }
}
