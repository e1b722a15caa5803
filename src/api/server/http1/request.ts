import type { Socket } from 'node:net';
import type { ClientSocket } from '#lib/client-socket.ts';
import type { RequestHead } from './head.ts';
import type { RequestBody } from './request-body.ts';

/** What a request needs of its connection. */
export interface RequestConnection {
  /** Reads nothing beyond this request, and serves none after it. */
  hold(): void;
  takeOver(): Promise<Socket>;
  descriptor(): number | undefined;
}

/** A request whose head has come. */
export class Request implements ClientSocket {
  readonly head: RequestHead;
  readonly body: RequestBody;
  readonly #connection: RequestConnection;
  #controller: AbortController | undefined;
  #gone = false;

  constructor(head: RequestHead, body: RequestBody, connection: RequestConnection) {
    this.head = head;
    this.body = body;
    this.#connection = connection;
  }

  get method(): string {
    return this.head.method;
  }

  get target(): string {
    return this.head.target;
  }

  get headers(): RequestHead['headers'] {
    return this.head.headers;
  }

  /** The head announces a body: a length that is not 0, or chunks. */
  get hasBody(): boolean {
    return this.head.bodyLength !== 0;
  }

  /** True once the client has gone, or has closed its sending side. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Fires when the client goes, or closes its sending side, before it has the reply. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#gone) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The connection tells that the client has gone. */
  leave(): void {
    this.#gone = true;
    this.#controller?.abort();
  }

  /** That of the connection's socket, as `ClientSocket` says. */
  descriptor(): number | undefined {
    return this.#connection.descriptor();
  }

  /** To be called before anything is awaited when the connection may be taken over: what comes behind the request is then not read. */
  hold(): void {
    this.#connection.hold();
  }

  /**
   * The connection itself, which is no longer HTTP, once the body has come to its end: what was not read of it is dropped, and
   * the stream begins with the byte behind it. Only after `hold`, and before the reply.
   */
  takeOver(): Promise<Socket> {
    return this.#connection.takeOver();
  }
}
