import { releaseBytes } from '#lib/release-bytes.ts';
import type { PartialBlob } from './partial-blob.ts';

/** Bytes that may wait for a write that is under way. */
const MAX_WAITING = 1 << 20;

/** Appends to a blob what comes in small pieces: those that come during one write go with the next. */
export class AppendQueue {
  readonly #blob: Pick<PartialBlob, 'append'>;
  readonly #onAppended: () => void;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;

  /** `onAppended` is called after each write. */
  constructor(blob: Pick<PartialBlob, 'append'>, onAppended: () => void) {
    this.#blob = blob;
    this.#onAppended = onAppended;
  }

  /** Takes over a piece, which is of no use to the caller from now on; waits when too many wait already. Throws as `append` does. */
  async add(piece: Uint8Array): Promise<void> {
    this.#waiting.push(piece);
    this.#bytes += piece.length;
    if (!this.#writing) {
      this.#writing = this.#write();
      // Whoever adds next, or drains, gets the failure.
      this.#writing.catch(() => {});
    } else if (this.#bytes > MAX_WAITING) await this.#writing;
  }

  /** Resolves when all is written. Throws as `append` does. */
  async drain(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const pieces = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      await this.#blob.append(pieces);
      pieces.forEach(releaseBytes);
      this.#onAppended();
    }
    this.#writing = undefined;
  }
}
