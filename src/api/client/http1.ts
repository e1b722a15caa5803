/**
 * As much of HTTP/1.1 (RFC 9112) as a client with one request per connection needs. `node:http` would do the same but
 * adds more to the start of a command than everything else together.
 */
import type { Duplex } from 'node:stream';
import { errnoCode } from '#errors/errors.ts';
import { type ClientSocket, handleOf, type Receivable, type SendableWhole } from '#lib/client-socket.ts';
import { type ByteSource, byteSource, drain, readUntil } from './byte-source.ts';
import { ReplyBody } from './reply-body.ts';

export type Body = string | Buffer | AsyncIterable<Uint8Array> | MakeBody;

/** Makes a body for a connection that is there, and on which nothing is written but that. */
export type MakeBody = (to: BodyOptions) => SendableWhole;

export interface BodyOptions {
  client: ClientSocket;
  /** Nobody wants more of it. */
  signal: AbortSignal;
}

export interface Request {
  method: string;
  /** Path and query, already encoded. */
  target: string;
  headers: Record<string, string>;
  body?: Body;
  /** Is called when the head is out. */
  onSent?: ((to: ClientSocket) => void) | undefined;
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
  /** The same, of which a program may read parts from the socket by itself. */
  lendable: Receivable;
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
    const lendable = bodyOf(socket, source, head, request.method);
    return { ...head, body: head.status === 101 ? drain(source) : lendable[Symbol.asyncIterator](), lendable };
  } catch (error) {
    refused.abort();
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
  const head = `${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`;
  const written = new Promise<unknown>((resolve) => socket.write(head, 'latin1', resolve));
  if (whole) socket.write(whole);
  socket.uncork();
  if (request.onSent) void written.then(() => request.onSent?.(clientSocket(socket)));
  if (typeof body === 'function') {
    await written; // a program must not come before
    await sendMade(socket, body, refused);
  } else if (body && !whole) await sendChunks(socket, body as AsyncIterable<Uint8Array>, refused);
}

const clientSocket = (socket: Duplex): ClientSocket => ({ descriptor: () => handleOf(socket)?.fd });

async function sendMade(socket: Duplex, make: MakeBody, refused: AbortSignal): Promise<void> {
  const body = make({ client: clientSocket(socket), signal: refused });
  if (!body.sendAll) return sendChunks(socket, body, refused);
  try {
    await body.sendAll();
  } catch (error) {
    // a daemon that takes no more has said why
    if (refused.aborted || ['EPIPE', 'ECONNRESET'].includes(errnoCode(error) ?? '')) return;
    socket.destroy();
    throw new BodyError('the body could not be read', { cause: error });
  }
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

function bodyOf(socket: Duplex, source: ByteSource, head: ResponseHead, method: string): ReplyBody {
  return new ReplyBody(socket, source, lengthOf(head, method));
}

function lengthOf(head: ResponseHead, method: string): number | 'chunked' {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return 0;
  if (/\bchunked\s*$/i.test(head.headers['transfer-encoding'] ?? '')) return 'chunked';
  const length = head.headers['content-length'];
  return length === undefined ? Infinity : Number(length);
}
