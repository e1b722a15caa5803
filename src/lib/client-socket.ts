/**
 * What passes between a client and a program without the engine's touching it. The program has the client's socket as a
 * descriptor of its own, and uses it while the engine does not.
 */

/** What node:net has beneath a socket. */
export interface SocketHandle {
  fd: number;
  reading: boolean;
  readStart(): void;
  readStop(): void;
}

/** Undefined where it carries TLS, is no socket or has been closed. */
export function handleOf(socket: object): SocketHandle | undefined {
  if ('encrypted' in socket) return undefined;
  const handle = (socket as { _handle?: SocketHandle | null })._handle;
  return handle && 'fd' in handle ? handle : undefined;
}

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

/** Bytes of ours for a daemon; the last, empty chunk is written, too, if all is well. */
export interface SendableWhole extends AsyncIterable<Buffer> {
  /** As that of a Sendable. */
  sendAll?: (() => Promise<void>) | undefined;
}

/** Bytes of a client: either they are read here, or the next ones are read from the client's socket by a program. */
export interface Receivable extends AsyncIterable<Buffer>, ClientSocket {
  /** Stops the engine's reading; undefined when that cannot be just now. */
  lend(): Lent | undefined;
}

/** A client's socket that the engine does not read from. */
export interface Lent {
  /** What has come already and was not read. */
  early: Buffer[];
  /** How many of the bytes that are next in the socket go on with the body, until it or a chunk of it ends. */
  left: number;
  /** Behind them may be more chunks, as HTTP has them. */
  chunked: boolean;
  /**
   * Reads on: `left` as it is now, and what was read from the socket behind that. Only the first call counts; without
   * arguments nobody has read.
   */
  giveBack(left?: number, spare?: Buffer): void;
  /** Nobody knows what has been read: the connection is of no use for further requests. */
  lose(): void;
}
