import type { Duplex } from 'node:stream';
import { invalid } from '#errors/errors.ts';
import type { ClientSocket } from '#lib/client-socket.ts';
import { connect } from './connect.ts';
import { type DaemonError, daemonError } from './daemon-error.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';
import { type Body, exchange, type Response } from './http1.ts';

/** The newest API version whose shapes this client knows. */
export const API_VERSION = '1.51';

/** Query values: `undefined` and `false` are left out, `true` becomes `1`, objects become JSON. */
export type Query = Record<string, string | number | boolean | readonly string[] | object | undefined>;

export interface RequestOptions {
  query?: Query;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, by default as `application/x-tar`. */
  body?: Body;
  signal?: AbortSignal;
  /** Is called when the request is out, while the daemon makes its reply: there is time to prepare for it. */
  onSent?: (to: ClientSocket) => void;
}

/** An upgraded connection: the raw bytes of a container's streams in both directions. */
export interface Hijacked {
  /** What the daemon sends; ends with the container's output. */
  output: AsyncGenerator<Buffer>;
  /** `end()` closes the container's stdin only. */
  input: Duplex;
  /** `application/vnd.docker.multiplexed-stream`, `application/vnd.docker.raw-stream` or empty. */
  mediaType: string;
  close(): void;
}

/** One daemon. Every method makes a connection of its own; each throws a {@link DaemonError} for a status above 399. */
export interface Client {
  readonly endpoint: Endpoint;
  /** A connection to the daemon as it is. Throws as {@link connect}. */
  dial: Dial;
  /** The API version in use, as far as it is known. */
  version(): string;
  /** The reply as it comes; its body must be read or returned. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The whole reply as text. */
  text(method: string, path: string, options?: RequestOptions): Promise<string>;
  /** The whole reply, parsed; undefined when it is empty. */
  json<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
  hijack(path: string, options?: RequestOptions): Promise<Hijacked>;
}

/** Opens a connection whose writing side ends without ending its reading side. */
export type Dial = (signal?: AbortSignal) => Promise<Duplex>;

export interface ClientOptions {
  /** How connections are made to what has no socket here: `ssh://`. */
  dial?: Dial;
  /** Fixes the API version, as `DOCKER_API_VERSION` does; absent = the newest that both sides know. */
  version?: string;
  userAgent?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
}

/** A client for the daemon at `endpoint`. Nothing is sent before the first call. */
export function createClient(endpoint: Endpoint, options: ClientOptions = {}): Client {
  let version = options.version ?? API_VERSION;
  const fixed = options.version !== undefined;
  let settled = fixed;
  const dial = options.dial ?? socketDial(endpoint);

  const send = async (method: string, path: string, request: RequestOptions) => {
    const socket = await dial(request.signal);
    const headers: Record<string, string> = {
      Host: 'api.wherry.localhost',
      'User-Agent': options.userAgent ?? 'wherry',
      Connection: 'close',
      ...options.headers,
      ...contentType(request),
      ...request.headers,
    };
    const target = `/v${version}${path}${formatQuery(request.query)}`;
    const body = request.json === undefined ? request.body : await encode(request.json);
    return { socket, response: await exchange(socket, { method, target, headers, body, onSent: request.onSent }) };
  };

  /** Learns the daemon's version from a refusal, so that a daemon of the same age costs no extra round trip. */
  const negotiated = async (method: string, path: string, request: RequestOptions) => {
    if (!settled && request.body && typeof request.body !== 'string' && !Buffer.isBuffer(request.body)) {
      await negotiated('GET', '/_ping', { signal: request.signal }).then(({ socket }) => socket.destroy());
    }
    const tried = version;
    const first = await send(method, path, request);
    const theirs = first.response.headers['api-version'];
    const refused = first.response.status === 400 && !fixed && theirs !== undefined && isOlder(theirs, tried);
    settled = true;
    if (!refused) return first;
    first.socket.destroy();
    version = theirs;
    return send(method, path, request);
  };

  const request = async (method: string, path: string, given: RequestOptions = {}) => {
    const { response } = await negotiated(method, path, given);
    if (response.status >= 400) throw daemonError(response, await readText(response));
    return response;
  };

  return {
    endpoint,
    dial,
    version: () => version,
    request,
    text: async (method, path, given) => readText(await request(method, path, given)),
    json: async <T>(method: string, path: string, given?: RequestOptions) => {
      const text = await readText(await request(method, path, given));
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },
    hijack: async (path, given = {}) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'text/plain', ...given.headers };
      const { socket, response } = await negotiated('POST', path, { ...given, headers });
      if (response.status >= 400) throw daemonError(response, await readText(response));
      const mediaType = response.headers['content-type'] ?? '';
      return { output: response.body, input: socket, mediaType, close: () => socket.destroy() };
    },
  };
}

function socketDial(endpoint: Endpoint): Dial {
  if (endpoint.kind === 'ssh') throw invalid(`${formatEndpoint(endpoint)} is not reached by a socket`);
  return (signal) => connect(endpoint, signal);
}

async function readText(response: Response): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response.body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Loaded when there is something to encode: most requests have no body. */
async function encode(value: unknown): Promise<string> {
  const { stringifyExact } = await import('#lib/json.ts');
  return stringifyExact(value);
}

function contentType(request: RequestOptions): Record<string, string> {
  if (request.json !== undefined) return { 'Content-Type': 'application/json' };
  return request.body === undefined ? {} : { 'Content-Type': 'application/x-tar' };
}

function formatQuery(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    if (Array.isArray(value)) for (const item of value) parameters.append(name, item);
    else parameters.append(name, value === true ? '1' : typeof value === 'object' ? JSON.stringify(value) : `${value}`);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
