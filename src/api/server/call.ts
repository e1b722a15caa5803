import type { Backend } from './backend.ts';
import { readBody } from './body.ts';
import type { Request } from './http1/request.ts';

const NO_QUERY = new URLSearchParams();

/** The route in the table that a call goes by. */
export interface CalledRoute {
  readonly method: string;
  readonly path: string;
}

/** One request on its way: what a handler reads. It lives until the reply is out or the client is gone. */
export class Call {
  readonly backend: Backend;
  readonly request: Request;
  readonly route: CalledRoute;
  /** The parameter of the route's path, percent-decoded. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** The API is of version 1.N. */
  readonly version: number;
  #body: Promise<Buffer> | undefined;

  constructor(
    backend: Backend,
    request: Request,
    target: { route: CalledRoute; name: string; version: number; query: string },
  ) {
    this.backend = backend;
    this.request = request;
    this.route = target.route;
    this.name = target.name;
    this.version = target.version;
    this.query = target.query ? new URLSearchParams(target.query) : NO_QUERY;
  }

  /** Fires when the client has gone or has closed its sending side, which ends every request but a hijacked one. */
  get signal(): AbortSignal {
    return this.request.signal;
  }

  /** The whole body; `limit` in bytes counts at the first call. Throws `invalid` when it is larger. */
  body(limit?: number): Promise<Buffer> {
    this.#body ??= readBody(this.request, limit);
    return this.#body;
  }
}
