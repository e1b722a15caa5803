import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cancelled, invalid } from '#errors/errors.ts';
import { http, https } from '#lib/node-http.ts';
import type { Agents } from './agents.ts';
import { connectionError, requestTitle } from './connection-error.ts';
import type { Endpoint } from './endpoints.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** What is sent: bytes at hand, or a function that begins a stream, again for each try. */
export type Body = Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface Exchange {
  method: Method;
  url: URL;
  headers: OutgoingHttpHeaders;
  body?: Body;
  signal?: AbortSignal;
}

/** A reply whose body has not been read: `body`, `bytes` or `discard` must be used, or the connection stays taken. */
export interface RegistryReply {
  status: number;
  headers: IncomingHttpHeaders;
  /** Where the reply came from, after redirects. */
  url: URL;
  /** The request as Go's errors call it, `Get "https://host/v2/"`. */
  title: string;
  body: IncomingMessage;
  /** The whole body. Throws `invalid` beyond `limit` bytes. */
  bytes(limit: number): Promise<Buffer>;
  /** Ends the reply unread. */
  discard(): void;
}

/** How many redirects are followed. */
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * One request and its reply, whatever its status. Redirects of GET and HEAD are followed; `Authorization` does not go to
 * another origin. Throws `unavailable` in Go's words when the connection fails, `cancelled` when `signal` fires.
 */
export async function exchange(agents: Agents, endpoint: Endpoint, request: Exchange): Promise<RegistryReply> {
  let { url, headers } = request;
  for (let redirects = 0; ; redirects++) {
    const reply = await once(agents, endpoint, { ...request, url, headers });
    const { location } = reply.headers;
    const follow = REDIRECTS.has(reply.status) && location && (request.method === 'GET' || request.method === 'HEAD');
    if (!follow) return reply;
    reply.discard();
    if (redirects === MAX_REDIRECTS) throw invalid(`${reply.title}: stopped after ${MAX_REDIRECTS} redirects`);
    const next = URL.parse(location, url);
    if (!next || !/^https?:$/.test(next.protocol)) throw invalid(`${reply.title}: redirected to what is no HTTP URL`);
    if (next.origin !== url.origin) headers = withoutAuthorization(headers);
    url = next;
  }
}

function withoutAuthorization(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

async function once(agents: Agents, endpoint: Endpoint, request: Exchange): Promise<RegistryReply> {
  const { method, url, headers, body, signal } = request;
  if (signal?.aborted) throw cancelled('the request was cancelled', { cause: signal.reason });
  const agent = await agents.for(url, endpoint);
  const { request: begin } = url.protocol === 'https:' ? https() : http();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = begin(url, { method, headers: withLength(headers, body), agent, signal });
  outgoing.on('response', resolve);
  outgoing.on('error', (error) => reject(connectionError(method, url, error, signal)));
  outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })));
  send(outgoing, body, reject);
  return asReply(await promise, url, method, signal);
}

function withLength(headers: OutgoingHttpHeaders, body: Body | undefined): OutgoingHttpHeaders {
  return body instanceof Uint8Array ? { ...headers, 'Content-Length': body.length } : headers;
}

/** A reply that comes before the whole body was taken ends the sending. */
function send(outgoing: ClientRequest, body: Body | undefined, reject: (error: unknown) => void): void {
  if (typeof body !== 'function') {
    outgoing.end(body);
    return;
  }
  const source = Readable.from(body(), { objectMode: false });
  // What the source threw is the reason; what the connection did comes as the request's own error.
  source.once('error', reject);
  outgoing.once('response', () => source.destroy());
  pipeline(source, outgoing).catch(() => {});
}

function asReply(body: IncomingMessage, url: URL, method: Method, signal: AbortSignal | undefined): RegistryReply {
  const title = requestTitle(method, url);
  const discard = () => {
    // A short rest is cheaper to read than a new connection is to make. HEAD has none, whatever length it names.
    const rest = method === 'HEAD' ? 0 : Number(body.headers['content-length'] ?? Infinity);
    if (rest <= 64 << 10) body.on('error', () => {}).resume();
    else body.on('error', () => {}).destroy();
  };
  const bytes = async (limit: number) => {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limit) throw invalid(`${title}: the reply has more than ${limit} bytes`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw connectionError(method, url, error, signal);
    }
    return Buffer.concat(chunks, size);
  };
  return { status: body.statusCode!, headers: body.headers, url, title, body, bytes, discard };
}

/**
 * Where a header of a reply leads. A host that was reached through TLS is so again, whatever its proxy made of that. Throws
 * `invalid` when it leads nowhere.
 */
export function resolveLocation(location: string, { url, title }: Pick<RegistryReply, 'url' | 'title'>): URL {
  const next = URL.parse(location, url);
  if (!next || !/^https?:$/.test(next.protocol)) throw invalid(`${title}: the reply leads to what is no HTTP URL`);
  if (next.host === url.host && url.protocol === 'https:') next.protocol = 'https:';
  return next;
}
