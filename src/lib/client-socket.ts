/**
 * What passes between a client and a program without the engine's touching it. The program has the client's socket as a
 * descriptor of its own, and uses it while the engine does not.
 */

/** A client's connection, whose socket a program may use. */
export interface ClientSocket {
  /**
   * The socket as it is, undefined where it carries TLS or has been closed. The number may be another client's soon: it is to be
   * asked for in the turn in which the program is started.
   */
  descriptor(): number | undefined;
}

/** Bytes for a client: either they are read here, or who makes them writes them into the client's socket. */
export interface Sendable extends AsyncIterable<Buffer> {
  /**
   * Writes them in chunks as HTTP has them, all but the last, empty one; resolves then. Absent where that cannot be. Rejects as
   * reading would.
   */
  sendChunks?: (() => Promise<void>) | undefined;
}
