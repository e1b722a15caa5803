/** An unreliable proxy before a registry: does what networks and servers do, as a test says, and writes down what passed. */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from './certificates.ts';
import { closeServer, listenIn } from './listen-in.ts';

/** What becomes of one request; nothing set = it passes. */
export interface Mischief {
  /** Milliseconds before anything is done. */
  delay?: number;
  /** Nothing is done before it. */
  until?: Promise<unknown>;
  /** Sends so many bytes of the reply's body, and then none until the client goes. */
  stallAfter?: number;
  /** Answers in the registry's place. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Breaks the connection after that many bytes of the reply's body. */
  cutAfter?: number;
  /** Breaks the connection after that many bytes of the request's body. */
  cutUploadAfter?: number;
  /** Breaks the connection when the registry has taken the request, before its reply. */
  loseReply?: boolean;
  /** Changes the byte at this place of the reply's body. */
  corruptAt?: number;
  /** As a server that knows no ranges: the whole, with 200. */
  ignoreRange?: boolean;
  /** The reply's ETag; a range of something with another ETag is answered with the whole. */
  etag?: string;
  /** 307 to the same path at the other host. */
  redirect?: boolean;
}

export interface Passed {
  /** Which of the proxy's hosts was asked. */
  host: string;
  method: string;
  /** With its query. */
  path: string;
  headers: IncomingMessage['headers'];
  /** How often this method and path had been asked for before. */
  earlier: number;
  /** 0 until there is a reply. */
  status: number;
  /** Bytes of the bodies that passed: of the request, of the reply. */
  received: number;
  sent: number;
}

export interface ProxyOptions {
  netns: string;
  /** The registry's unix socket. */
  upstream: string;
  /** The one behind the other host; default: the same. */
  otherUpstream?: string;
  port?: number;
  tls?: Certificate;
}

export interface RegistryProxy {
  /** `127.0.0.1:PORT` */
  host: string;
  /** `127.0.0.2:PORT`, where redirects lead. */
  otherHost: string;
  /** Decides what becomes of each request. */
  misbehave: (request: Passed) => Mischief | undefined;
  /** All requests, in the order in which they came. */
  requests: Passed[];
  /** Bytes of the blob that were sent to clients, over all requests. */
  bytesOf(digest: string): number;
  /** Breaks the connections on which the blob is being sent. */
  drop(digest: string): void;
  /** Resolves when nobody is being sent the blob. */
  left(digest: string): Promise<void>;
  close(): Promise<void>;
}

export async function startRegistryProxy(options: ProxyOptions): Promise<RegistryProxy> {
  const requests: Passed[] = [];
  const open = new Map<ServerResponse, Passed>();
  const openFor = (digest: string) => [...open].filter(([, { path }]) => path.includes(digest)).map(([reply]) => reply);
  const handle = (host: () => string, upstream: string) => (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = incoming;
    const earlier = requests.filter((passed) => passed.method === method && passed.path === path).length;
    const passed = { host: host(), method, path, headers, earlier, status: 0, received: 0, sent: 0 };
    requests.push(passed);
    open.set(response, passed);
    response.on('close', () => open.delete(response));
    incoming.on('error', () => {});
    response.on('error', () => {});
    void pass(proxy, upstream, passed, incoming, response).catch(() => response.destroy());
  };
  const server = await newServer(
    options.tls,
    handle(() => proxy.host, options.upstream),
  );
  const other = await newServer(
    options.tls,
    handle(() => proxy.otherHost, options.otherUpstream ?? options.upstream),
  );
  const port = await listenIn(options.netns, server, options.port);
  const otherPort = await listenIn(options.netns, other, 0, '127.0.0.2');
  const proxy: RegistryProxy & { scheme: string } = {
    scheme: options.tls ? 'https' : 'http',
    host: `127.0.0.1:${port}`,
    otherHost: `127.0.0.2:${otherPort}`,
    misbehave: () => undefined,
    requests,
    bytesOf: (digest) =>
      requests.filter(({ path }) => path.includes(`/blobs/${digest}`)).reduce((sum, { sent }) => sum + sent, 0),
    drop: (digest) => {
      for (const reply of openFor(digest)) reply.destroy();
    },
    async left(digest) {
      while (openFor(digest).length > 0) await sleep(5);
    },
    close: async () => void (await Promise.all([closeServer(server), closeServer(other)])),
  };
  return proxy;
}

async function newServer(
  tls: Certificate | undefined,
  handler: (incoming: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  if (!tls) return createServer(handler);
  return createTlsServer({ cert: await readFile(tls.cert), key: await readFile(tls.key) }, handler);
}

async function pass(
  proxy: RegistryProxy & { scheme: string },
  socketPath: string,
  passed: Passed,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const mischief = proxy.misbehave(passed) ?? {};
  if (mischief.delay) await sleep(mischief.delay);
  await mischief.until;
  const redirect = mischief.redirect && passed.host === proxy.host;
  if (redirect || mischief.status) {
    incoming.resume();
    passed.status = mischief.status ?? 307;
    const location = { Location: `${proxy.scheme}://${proxy.otherHost}${passed.path}` };
    response.writeHead(passed.status, { ...(redirect && location), ...mischief.headers });
    return void response.end(mischief.body ?? '');
  }
  const headers = { ...incoming.headers };
  const stale =
    mischief.etag !== undefined && headers['if-range'] !== undefined && headers['if-range'] !== mischief.etag;
  if (mischief.ignoreRange || stale) delete headers.range;
  delete headers['if-range'];
  const outgoing = request({ socketPath, method: passed.method, path: passed.path, headers }, (reply) => {
    if (mischief.loseReply) return void response.destroy();
    passed.status = reply.statusCode ?? 0;
    const changed = { ...(mischief.etag && { etag: mischief.etag }), ...mischief.headers };
    response.writeHead(passed.status, { ...reply.headers, ...changed });
    response.flushHeaders();
    const count = (bytes: number) => (passed.sent += bytes);
    const body = limited(mischief.cutAfter ?? mischief.stallAfter, count, corrupted(mischief.corruptAt));
    reply.on('error', () => response.destroy());
    reply.pipe(body).pipe(response, { end: false });
    body.on('end', () => {
      if (reply.complete && !body.isCut) return void response.end();
      reply.destroy();
      if (mischief.stallAfter !== undefined) return;
      response.socket?.destroySoon();
    });
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  const upload = limited(mischief.cutUploadAfter, (bytes) => (passed.received += bytes));
  incoming.pipe(upload).pipe(outgoing, { end: false });
  upload.on('end', () => {
    if (!upload.isCut) return void outgoing.end();
    outgoing.socket?.destroySoon();
    incoming.destroy();
  });
}

type Change = (chunk: Buffer, offset: number) => Buffer;

const corrupted =
  (place = -1): Change =>
  (chunk, offset) => {
    const at = place - offset;
    if (at < 0 || at >= chunk.length) return chunk;
    const copy = Buffer.from(chunk);
    copy[at]! ^= 0xff;
    return copy;
  };

/** Lets `limit` bytes through and then ends, `isCut` when that was early. */
function limited(limit = Number.POSITIVE_INFINITY, count: (bytes: number) => void, change: Change = (chunk) => chunk) {
  let offset = 0;
  const stream = Object.assign(
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        if (stream.isCut) return done();
        const piece = chunk.subarray(0, limit - offset);
        count(piece.length);
        this.push(change(piece, offset));
        offset += piece.length;
        if (offset >= limit) {
          stream.isCut = true;
          this.push(null);
        }
        done();
      },
    }),
    { isCut: false },
  );
  return stream;
}
