import type { Socket } from 'node:net';
import { dateLine } from './fields.ts';
import type { RequestHead } from './head.ts';

/** Bytes; a piece that is smaller is copied behind its chunk's size, a larger one is given to the kernel as it is. */
const COPIED = 1 << 14;
const LAST_CHUNK = '0\r\n\r\n';

/** RFC 9110, section 15: those that we send. */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  409: 'Conflict',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** The first line of a reply, with its end. */
export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`;
}

const CLOSE = 'Connection: close\r\n';
const KEEP_ALIVE = 'Connection: keep-alive\r\n';

/** A reply's head but for the lines that tell the body's length: parts that are the same strings from reply to reply. */
class Head {
  readonly #status: number;
  readonly #fields: string;
  readonly #date: string;
  readonly #connection: string;

  constructor(status: number, fields: string, date: string, connection: string) {
    this.#status = status;
    this.#fields = fields;
    this.#date = date;
    this.#connection = connection;
  }

  equals(other: Head): boolean {
    return (
      this.#date === other.#date &&
      this.#fields === other.#fields &&
      this.#status === other.#status &&
      this.#connection === other.#connection
    );
  }

  text(length: string): string {
    return `${statusLine(this.#status)}${this.#fields}${length}${this.#date}${this.#connection}\r\n`;
  }
}

/** The last reply with each body, as long as the body lives. */
const prepared = new WeakMap<Buffer, { head: Head; bytes: Buffer }>();

function lengthLine(body: string | Buffer): string {
  return `Content-Length: ${typeof body === 'string' ? Buffer.byteLength(body) : body.length}\r\n`;
}

/** What a response needs of its connection. */
export interface ResponseConnection {
  /** May it be used again after the reply? Asked when the head is made. */
  mayPersist(): boolean;
  /** The reply is out. */
  done(): void;
}

/**
 * The reply to a request: `whole` at once, or `open`, any number of `write`, and `end`. The fields are lines, each with its end
 * (`fieldLines`); those that say how the body is delimited and the date are added here.
 */
export class Response {
  readonly #socket: Socket;
  readonly #to: Pick<RequestHead, 'method' | 'minor'>;
  readonly #connection: ResponseConnection;
  #head: string | undefined;
  #state: 'new' | 'open' | 'ended' = 'new';
  #chunked = false;
  #persistent = true;

  constructor(socket: Socket, to: Pick<RequestHead, 'method' | 'minor'>, connection: ResponseConnection) {
    this.#socket = socket;
    this.#to = to;
    this.#connection = connection;
  }

  /** The client has been told a status: it is too late for another one. */
  get begun(): boolean {
    return this.#state !== 'new' && this.#head === undefined;
  }

  /** The client has gone, or the reply was cut off: what is written goes nowhere. */
  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** Bytes that the client has not taken yet. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** True when the connection serves further requests after this reply; known once it has begun. */
  get persistent(): boolean {
    return this.#persistent;
  }

  /** Head and body in one piece. A body of bytes that is given again costs only its way to the kernel; it must not change. */
  whole(status: number, fields: string, body?: string | Buffer): void {
    const head = this.#begin(status, fields);
    this.#state = 'ended';
    if (status === 204 || status === 304) this.#send(head.text(''));
    else if (body === undefined) this.#send(head.text('Content-Length: 0\r\n'));
    else if (this.#to.method === 'HEAD') this.#send(head.text(lengthLine(body)));
    else if (typeof body === 'string') this.#send(head.text(lengthLine(body)) + body, 'utf8');
    else this.#sendWhole(head, body);
    this.#connection.done();
  }

  /** Begins a reply of unknown length. The head goes out with the first bytes, or with `flush`. */
  open(status: number, fields: string): void {
    const { method, minor } = this.#to;
    this.#chunked = minor === 1 && method !== 'HEAD';
    if (minor === 0) this.#persistent = false; // the end of the connection is the end of the body
    this.#head = this.#begin(status, fields).text(this.#chunked ? 'Transfer-Encoding: chunked\r\n' : '');
    this.#state = 'open';
  }

  /** Sends the head, for clients that wait for it. */
  flush(): void {
    if (this.#head !== undefined) this.#send(this.#takeHead());
  }

  /** False = wait for `drained` before the next piece. */
  write(piece: string | Buffer): boolean {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (bytes.length === 0 || this.#state !== 'open' || this.#to.method === 'HEAD') return true;
    const head = this.#takeHead();
    const before = this.#chunked ? `${head}${bytes.length.toString(16)}\r\n` : head;
    const after = this.#chunked ? '\r\n' : '';
    return this.#sendAround(before, bytes, after);
  }

  end(piece?: string | Buffer): void {
    if (this.#state !== 'open') return;
    const socket = this.#socket;
    socket.cork();
    if (piece !== undefined) this.write(piece);
    this.flush();
    if (this.#chunked) this.#send(LAST_CHUNK);
    this.#state = 'ended';
    socket.uncork();
    this.#connection.done();
  }

  /** True when the body, once opened, goes out in chunks. */
  get chunked(): boolean {
    return this.#chunked;
  }

  /** Lends the socket, when all that was written is out, to `send`, which writes chunks into it past this. */
  async lend(send: () => Promise<void>): Promise<void> {
    const head = this.#takeHead();
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(head, 'latin1', (error) => (error ? reject(error) : resolve()));
    });
    await send();
  }

  /** Resolves when the client has taken enough, or is gone. */
  drained(): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        socket.off('drain', settle).off('close', settle);
        resolve();
      };
      socket.on('drain', settle).on('close', settle);
    });
  }

  /** Cuts the connection, so that the client sees that the reply is not whole. */
  abort(): void {
    this.#socket.destroy();
  }

  #begin(status: number, fields: string): Head {
    if (this.begun) throw new Error('the reply has begun already');
    this.#persistent &&= this.#connection.mayPersist();
    const connection = !this.#persistent ? CLOSE : this.#to.minor === 0 ? KEEP_ALIVE : '';
    return new Head(status, fields, dateLine(), connection);
  }

  #sendWhole(head: Head, body: Buffer): void {
    if (body.length >= COPIED) return void this.#sendAround(head.text(lengthLine(body)), body, '');
    let known = prepared.get(body);
    if (!known?.head.equals(head)) {
      known = { head, bytes: joined(head.text(lengthLine(body)), body, '') };
      prepared.set(body, known);
    }
    this.#send(known.bytes);
  }

  #sendAround(before: string, bytes: Buffer, after: string): boolean {
    if (bytes.length < COPIED) return this.#send(joined(before, bytes, after));
    const socket = this.#socket;
    socket.cork();
    if (before) this.#send(before);
    let more = this.#send(bytes);
    if (after) more = this.#send(after);
    socket.uncork();
    return more;
  }

  #takeHead(): string {
    const head = this.#head ?? '';
    this.#head = undefined;
    return head;
  }

  #send(bytes: string | Buffer, encoding: BufferEncoding = 'latin1'): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    return typeof bytes === 'string' ? socket.write(bytes, encoding) : socket.write(bytes);
  }
}

/** One buffer for one write: copying a body costs less than a second buffer on the way to the kernel. */
function joined(before: string, bytes: Buffer, after: string): Buffer {
  const whole = Buffer.allocUnsafe(before.length + bytes.length + after.length);
  whole.write(before, 0, 'latin1');
  whole.set(bytes, before.length);
  if (after) whole.write(after, before.length + bytes.length, 'latin1');
  return whole;
}
