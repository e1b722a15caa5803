/** Takes the next bytes of a file; `piece` is used again after the call. */
export type PutPiece = (piece: Buffer, position: number) => void;

/** The most bytes that may be placed at once. */
export const MAX_PLACED = 1 << 19;

/**
 * Makes a file from its beginning to its end, in pieces, so that it is never in memory as a whole. What is not placed
 * between two places is zeros.
 */
export class PieceWriter {
  /** Where what was placed last is to be written. */
  readonly piece = Buffer.alloc(MAX_PLACED);
  readonly #put: PutPiece;
  #start = 0;

  constructor(put: PutPiece) {
    this.#put = put;
  }

  /** Makes room for `length` bytes at `offset` in the file, which lies in no earlier piece, and says where that is in `piece`. */
  place(offset: number, length: number): number {
    while (offset + length - this.#start > MAX_PLACED) this.#flush(Math.min(MAX_PLACED, offset - this.#start));
    return offset - this.#start;
  }

  /** Hands on the rest of a file of `size` bytes. */
  end(size: number): void {
    while (this.#start < size) this.#flush(Math.min(MAX_PLACED, size - this.#start));
  }

  #flush(length: number): void {
    this.#put(this.piece.subarray(0, length), this.#start);
    this.#start += length;
    this.piece.fill(0, 0, length);
  }
}
