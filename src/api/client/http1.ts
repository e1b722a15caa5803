/**
 * As much of HTTP/1.1 (RFC 9112) as a client with one request per connection needs. `node:http` would do the same but
 * adds more to the start of a command than everything else together.
 */
import type { Duplex } from 'node:stream';
import { type ByteSource, byteSource, drain, readUntil } from './byte-source.ts';

export type Body = string | Buffer | AsyncIterable<Uint8Array>;

export interface Request {
  method: string;
  /** Path and query, already encoded. */
  target: string;
  headers: Record<string, string>;
  body?: Body;
}

export interface ResponseHead {
  status: number;
  reason: string;
  /** Names in lower case; repeated fields are joined by commas. */
  headers: Record<string, string>;
}

export interface Response extends ResponseHead {
  /** The decoded body; can be read once. After status 101 it is everything that follows the head. */
  body: AsyncGenerator<Buffer>;
}

const headLimit = 1 << 20;

/** Sends the request and reads the head of the reply. The socket is closed with the end of the body. */
export async function exchange(socket: Duplex, request: Request): Promise<Response> {
  const source = byteSource(socket);
  const refused = new AbortController();
  const sent = send(socket, request, refused.signal).catch((error: Error) => error);
  try {
    const head = await readHead(source);
    if (head.status >= 400) refused.abort();
    const upgraded = head.status === 101;
    return { ...head, body: upgraded ? drain(source) : closing(socket, bodyOf(source, head, request.method)) };
  } catch (error) {
    socket.destroy();
    const broken = await Promise.race([sent, undefined]);
    throw broken instanceof BodyError ? broken.cause : error;
  }
}

/** A fault of the body that was to be sent, as opposed to one of the connection. */
class BodyError extends Error {}

async function send(socket: Duplex, request: Request, refused: AbortSignal): Promise<void> {
  const { body } = request;
  const fields = { ...request.headers };
  const whole = typeof body === 'string' ? Buffer.from(body) : Buffer.isBuffer(body) ? body : undefined;
  if (whole) fields['Content-Length'] = String(whole.length);
  else if (body) fields['Transfer-Encoding'] = 'chunked';
  else if (request.method !== 'GET' && request.method !== 'HEAD') fields['Content-Length'] = '0';
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  // Head and body go out at once: a daemon that refuses the head may close before a second write.
  socket.cork();
  socket.write(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  if (whole) socket.write(whole);
  socket.uncork();
  if (body && !whole) await sendChunks(socket, body as AsyncIterable<Uint8Array>, refused);
}

async function sendChunks(socket: Duplex, body: AsyncIterable<Uint8Array>, refused: AbortSignal): Promise<void> {
  try {
    for await (const piece of body) {
      if (socket.destroyed || refused.aborted) return;
      if (piece.length === 0) continue;
      socket.cork();
      socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
      socket.write(piece);
      const ready = socket.write('\r\n', 'latin1');
      socket.uncork();
      if (!ready) await drained(socket);
    }
  } catch (error) {
    socket.destroy();
    throw new BodyError('the body could not be read', { cause: error });
  }
  if (!socket.destroyed) socket.write('0\r\n\r\n', 'latin1');
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
  });
}

async function readHead(source: ByteSource): Promise<ResponseHead> {
  for (;;) {
    const text = await readUntil(source, '\r\n\r\n', headLimit);
    if (text === undefined) throw new Error('the connection was closed before a reply came');
    const head = parseHead(text);
    if (head.status >= 200 || head.status === 101) return head;
  }
}

/** @throws Error when the text is no HTTP/1 reply. */
export function parseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(first);
  if (!status) throw new Error(`the reply is not HTTP/1: ${JSON.stringify(first.slice(0, 80))}`);
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new Error(`the reply has a malformed header: ${JSON.stringify(line.slice(0, 80))}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return { status: Number(status[1]), reason: status[2] ?? '', headers };
}

function bodyOf(source: ByteSource, head: ResponseHead, method: string): AsyncGenerator<Buffer> {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return fixed(source, 0);
  if (/\bchunked\s*$/i.test(head.headers['transfer-encoding'] ?? '')) return chunks(source);
  const length = head.headers['content-length'];
  return length === undefined ? drain(source) : fixed(source, Number(length));
}

async function* fixed(source: ByteSource, length: number): AsyncGenerator<Buffer> {
  for (let left = length; left > 0; ) {
    const piece = await source.read();
    if (!piece) throw new Error(`the connection was closed ${left} bytes before the end of the reply`);
    if (piece.length > left) source.unread(piece.subarray(left));
    const part = piece.subarray(0, left);
    left -= part.length;
    yield part;
  }
}

async function* chunks(source: ByteSource): AsyncGenerator<Buffer> {
  for (;;) {
    const line = await readUntil(source, '\r\n', headLimit);
    const size = /^([0-9a-f]{1,13})\s*(?:;.*)?$/i.exec(line ?? '');
    if (!size) throw new Error('the connection was closed in the middle of a reply');
    const length = Number.parseInt(size[1]!, 16);
    if (length === 0) break;
    yield* fixed(source, length);
    if ((await readUntil(source, '\r\n', headLimit)) !== '') throw new Error('the reply has a malformed chunk');
  }
  while ((await readUntil(source, '\r\n', headLimit)) !== '') {
    // trailer fields carry nothing that this client uses
  }
}

async function* closing(socket: Duplex, body: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } finally {
    socket.destroy();
  }
}
