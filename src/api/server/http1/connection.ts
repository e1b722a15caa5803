import type { Socket } from 'node:net';
import { handleOf, type Lent } from '#lib/client-socket.ts';
import { ChunkedDecoder } from './chunked.ts';
import { closeGently } from './close-gently.ts';
import { parseHead, type RequestHead } from './head.ts';
import { HeadReader } from './head-reader.ts';
import { Malformed } from './malformed.ts';
import { Request } from './request.ts';
import { NO_BODY, RequestBody } from './request-body.ts';
import { Response, statusLine } from './response.ts';

/** Answers one request, now or later; it must not throw. */
export type Serve = (request: Request, response: Response) => void;

/** Bytes of a head that is kept until the next one: enough for those who poll, and not for credentials. */
const REMEMBERED = 1024;
/** Bytes that may come behind a request before its reply is out; beyond them the client waits. */
const ENOUGH = 1 << 16;

/**
 * What the next byte of the client is: part of a `head` or `body`; of a later request, while the `reply` is made; or nothing
 * of ours, once somebody has taken the connection (`raw`), nobody knows (`lost`), or it is ending (`closing`).
 */
type Phase = 'head' | 'body' | 'reply' | 'raw' | 'lost' | 'closing';

/** One client's connection: requests come one after the other, and so do the replies (RFC 9112, section 9.3). */
export class Connection {
  readonly #socket: Socket;
  readonly #serve: Serve;
  readonly #heads = new HeadReader();
  #phase: Phase = 'head';
  /** The last one: a client that asks again sends the same text. */
  #head: { text: string; read: RequestHead } | undefined;
  /** Since when a head has been coming, by `performance.now()`; 0 = none has begun. */
  #headSince = 0;
  #request: Request | undefined;
  #response: Response | undefined;
  /** What is left of the body: bytes, or as its chunks tell. */
  #rest: number | ChunkedDecoder = 0;
  #replied = false;
  #continued = false;
  #held = false;
  /** What came behind the request. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #clientEnded = false;
  /** A chunk is being taken. */
  #taking = false;

  constructor(socket: Socket, serve: Serve) {
    this.#socket = socket;
    this.#serve = serve;
    socket.on('error', () => {}); // `close` follows
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  /** Ends a connection whose client began a head before `deadline`, by `performance.now()`, and has not completed it. */
  expire(deadline: number): void {
    if (this.#headSince === 0 || this.#headSince >= deadline) return;
    this.#refuse(new Malformed("the request's head did not come in time", 408));
  }

  #onData = (chunk: Buffer): void => {
    this.#taking = true;
    try {
      this.#take(chunk);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#refuse(error);
    } finally {
      this.#taking = false;
    }
    if (this.#phase === 'head') this.#awaitHead();
  };

  #onEnd = (): void => {
    this.#clientEnded = true;
    const nothingToSay = this.#phase === 'head' || (this.#phase === 'body' && this.#replied);
    if (nothingToSay) this.#close();
    else this.#leave();
  };

  #onClose = (): void => {
    this.#phase = 'closing';
    this.#leave();
  };

  #take(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#phase) {
        case 'head':
          at = this.#takeHead(chunk, at);
          break;
        case 'body':
          at = this.#takeBody(chunk, at);
          break;
        case 'reply':
          this.#keep(chunk.subarray(at));
          return;
        default:
          return;
      }
    }
  }

  #takeHead(chunk: Buffer, at: number): number {
    const found = this.#heads.read(chunk, at);
    if (found) {
      this.#headSince = 0;
      this.#begin(this.#readHead(found.text));
      return found.end;
    }
    if (this.#heads.isWithin) this.#headSince ||= performance.now();
    return chunk.length;
  }

  #readHead(text: string): RequestHead {
    if (this.#head?.text === text) return this.#head.read;
    const read = parseHead(text);
    this.#head = text.length <= REMEMBERED ? { text, read } : undefined;
    return read;
  }

  #begin(head: RequestHead): void {
    const { bodyLength } = head;
    this.#phase = bodyLength === 0 ? 'reply' : 'body';
    this.#rest = bodyLength === 'chunked' ? new ChunkedDecoder() : bodyLength;
    this.#replied = false;
    this.#continued = !head.expectsContinue;
    const body = bodyLength === 0 ? NO_BODY : new RequestBody(this);
    this.#request = new Request(head, body, this);
    this.#response = new Response(this.#socket, head, this);
    this.#serve(this.#request, this.#response);
  }

  #takeBody(chunk: Buffer, start: number): number {
    const { body } = this.#request!;
    this.#continued = true;
    let end: number;
    let more = true;
    if (typeof this.#rest === 'number') {
      end = Math.min(chunk.length, start + this.#rest);
      this.#rest -= end - start;
      more = body.push(chunk.subarray(start, end));
      if (this.#rest === 0) this.#endMessage();
    } else {
      end = this.#rest.decode(chunk, start, (data) => {
        more = body.push(data);
      });
      if (this.#rest.ended) this.#endMessage();
    }
    if (!more && this.#phase === 'body') this.#socket.pause();
    return end;
  }

  #endMessage(): void {
    this.#phase = 'reply';
    this.#request!.body.end();
    if (this.#held) this.#socket.pause();
    if (this.#replied) this.#next();
  }

  #keep(bytes: Buffer): void {
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes >= ENOUGH) this.#socket.pause();
  }

  /** The body's reader wants more. */
  wanted(): void {
    if (this.#phase !== 'body') return;
    if (!this.#continued && !this.#response!.begun) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    this.#continued = true;
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  /**
   * May there be a request after this one? Not when the client waits in vain to be asked for its body: whether that comes all
   * the same cannot be known.
   */
  mayPersist(): boolean {
    return this.#request!.head.persistent && this.#continued && !this.#held && this.#phase !== 'lost';
  }

  /** The reply has been written. */
  done(): void {
    if (this.#phase === 'closing') return;
    this.#replied = true;
    const inBody = this.#phase === 'body';
    if (!this.#response!.persistent || (inBody && this.#clientEnded)) this.#close();
    else if (inBody) this.#request!.body.drop();
    else if (this.#socket.writableNeedDrain) this.#socket.once('drain', () => this.#next());
    else this.#next();
  }

  #next(): void {
    if (this.#phase !== 'reply') return;
    this.#phase = 'head';
    this.#request = undefined;
    this.#response = undefined;
    if (this.#taking) return; // the next head may stand in the chunk that is being taken
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    if (early.length > 0) this.#onData(Buffer.concat(early));
    else this.#awaitHead();
  }

  #awaitHead(): void {
    if (this.#clientEnded) this.#close();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  hold(): void {
    this.#held = true;
    if (this.#phase === 'reply') this.#socket.pause();
  }

  descriptor(): number | undefined {
    return handleOf(this.#socket)?.fd;
  }

  /** Stops reading beneath the stream, which knows nothing of it: for it no byte comes meanwhile. */
  lend(): Omit<Lent, 'early'> | undefined {
    const socket = this.#socket;
    const handle = handleOf(socket);
    if (this.#phase !== 'body' || !handle) return undefined;
    while (socket.read() !== null); // `#onData` gets it
    const left = typeof this.#rest === 'number' ? this.#rest : this.#rest.left;
    if (this.#phase !== 'body' || left === undefined) return undefined;
    handle.readStop();
    let out = true;
    const goOn = (change: () => void) => {
      if (!out || socket.destroyed) return;
      out = false;
      change();
      if (handle.reading) handle.readStart();
    };
    return {
      left,
      chunked: typeof this.#rest !== 'number',
      giveBack: (now = left, spare) => goOn(() => this.#giveBack(now, spare)),
      lose: () => goOn(() => this.#lose()),
    };
  }

  #giveBack(left: number, spare: Buffer | undefined): void {
    if (this.#phase !== 'body') return;
    if (typeof this.#rest === 'number') this.#rest = left;
    else this.#rest.goOn(left);
    if (this.#rest === 0) this.#endMessage();
    if (spare && spare.length > 0) this.#onData(spare);
  }

  #lose(): void {
    if (this.#phase === 'body') this.#phase = 'lost';
    this.#socket.resume();
  }

  async takeOver(): Promise<Socket> {
    const socket = this.#socket;
    for await (const _ of this.#request!.body); // what nobody has read
    if (!this.#held || this.#phase !== 'reply') throw new Error('the connection cannot be taken over');
    this.#phase = 'raw';
    socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    for (const bytes of this.#early.reverse()) socket.unshift(bytes);
    Object.assign(socket, { readableFlowing: null }); // as fresh: neither flowing, which would lose bytes, nor paused
    return socket;
  }

  #leave(): void {
    const request = this.#request;
    if (!request) return;
    request.body.fail(Object.assign(new Error('the client went away'), { code: 'ECONNRESET' }));
    request.leave();
  }

  /** Says what is wrong where nothing else has been said, and ends. */
  #refuse(error: Malformed): void {
    this.#request?.body.fail(error);
    if (this.#response?.begun) return void this.#socket.destroy();
    const message = error.status === 400 ? `malformed HTTP: ${error.message}` : error.message;
    const body = JSON.stringify({ message });
    const length = Buffer.byteLength(body);
    const fields = `Content-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n`;
    if (this.#socket.writable) this.#socket.write(`${statusLine(error.status)}${fields}\r\n${body}`);
    this.#close();
  }

  #close(): void {
    this.#phase = 'closing';
    this.#headSince = 0;
    closeGently(this.#socket);
  }
}
