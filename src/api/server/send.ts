import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StreamError } from '#api/types/error.ts';
import type { ProgressMessage } from '#api/types/image.ts';
import { describe, type EngineError, isEngineError } from '#errors/errors.ts';
import type { ByteSource, Reply } from './reply.ts';
import { toJson } from './wire-json.ts';

/** Writes replies. Whatever waits for a slow client ends when the client goes away. */

const JSON_TYPE = 'application/json';

/** Progress that a slow client has not read is superseded by later progress: beyond this many bytes it is dropped. */
const PROGRESS_BACKLOG = 1 << 18;

/** Writes a whole reply other than a hijack. Rejects only when nothing was sent yet: the error is then the reply. */
export async function sendReply(
  response: ServerResponse,
  common: OutgoingHttpHeaders,
  reply: Exclude<Reply, { kind: 'hijack' | 'websocket' }>,
): Promise<void> {
  switch (reply.kind) {
    case 'json':
      return sendWhole(response, reply.status, common, JSON_TYPE, toJson(reply.value));
    case 'text':
      return sendWhole(
        response,
        reply.status,
        { ...common, ...reply.headers },
        'text/plain; charset=utf-8',
        reply.text,
      );
    case 'empty':
      return sendEmpty(response, reply.status, { ...common, ...reply.headers });
    case 'later':
      return sendLater(response, common, reply.value);
    case 'bytes':
      return sendBytes(
        response,
        { ...common, ...reply.headers, 'Content-Type': reply.contentType },
        reply.source,
        reply.lastWords,
      );
    case 'json-lines':
      return sendJsonLines(response, common, reply.source);
    case 'progress':
      return sendProgress(response, common, reply.run);
  }
}

function sendWhole(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  contentType: string,
  body: string,
): void {
  response.writeHead(status, { ...headers, 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

function sendEmpty(response: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  const bodyless = status === 204 || status === 304;
  response.writeHead(status, bodyless ? headers : { ...headers, 'Content-Length': 0 });
  response.end();
}

/** The error's status and `{"message"}`; plain text before API 1.24. */
export function sendError(
  response: ServerResponse,
  common: OutgoingHttpHeaders,
  error: EngineError,
  version: number,
): void {
  const status = statusOf(error);
  const message = messageOf(error);
  if (status === 304) sendEmpty(response, status, common);
  else if (version < 24) sendWhole(response, status, common, 'text/plain; charset=utf-8', `${message}\n`);
  else sendWhole(response, status, common, JSON_TYPE, `${JSON.stringify({ message })}\n`);
}

const statuses = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-modified': 304,
  system: 500,
  'not-implemented': 501,
  unavailable: 503,
  cancelled: 503,
} as const;

/** The HTTP status of an error's kind. */
export function statusOf(error: EngineError): number {
  return statuses[error.kind];
}

/** What the user reads: the message, then what can be done about it. */
export function messageOf(error: unknown): string {
  return isEngineError(error) && error.hint ? `${error.message} (${error.hint})` : describe(error);
}

async function sendLater(response: ServerResponse, common: OutgoingHttpHeaders, value: Promise<unknown>) {
  response.writeHead(200, { ...common, 'Content-Type': JSON_TYPE });
  response.flushHeaders();
  try {
    response.end(toJson(await value));
  } catch (error) {
    breakOff(response, error);
  }
}

async function sendBytes(
  response: ServerResponse,
  headers: OutgoingHttpHeaders,
  source: ByteSource,
  lastWords: ((error: unknown) => Buffer) | undefined,
): Promise<void> {
  response.writeHead(200, headers);
  response.flushHeaders();
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      // a chunk above the buffer's limit has been handed to the kernel when the buffer has drained
      if (!response.write(chunk)) await drained(response);
      if (response.destroyed) return;
    }
    response.end();
  } catch (error) {
    if (lastWords) response.end(lastWords(error));
    else breakOff(response, error);
  }
}

/** A source that fails at once still decides the status; after that the head goes out, with or without a line. */
async function sendJsonLines(response: ServerResponse, common: OutgoingHttpHeaders, source: AsyncIterable<unknown>) {
  const iterator = source[Symbol.asyncIterator]();
  let step = iterator.next();
  await Promise.race([step, nextTurn()]);
  response.writeHead(200, { ...common, 'Content-Type': JSON_TYPE });
  response.flushHeaders();
  try {
    for (let item = await step; !item.done && !response.destroyed; item = await step) {
      if (!response.write(line(item.value))) await drained(response);
      step = iterator.next();
    }
    response.end();
  } catch (error) {
    response.end(line(streamError(error)));
  } finally {
    await iterator.return?.();
  }
}

async function sendProgress(
  response: ServerResponse,
  common: OutgoingHttpHeaders,
  run: (emit: (message: ProgressMessage) => void) => Promise<void>,
): Promise<void> {
  const open = () => {
    if (!response.headersSent) response.writeHead(200, { ...common, 'Content-Type': JSON_TYPE });
  };
  const emit = (message: ProgressMessage) => {
    open();
    if (message.progressDetail?.current && response.writableLength > PROGRESS_BACKLOG) return;
    response.write(line(message));
  };
  try {
    await run(emit);
    open();
    response.end();
  } catch (error) {
    if (!response.headersSent) throw error;
    response.end(line(streamError(error)));
  }
}

/** How an error looks to a client that reads lines of JSON and has its status 200 already. */
export function streamError(error: unknown): StreamError {
  const message = messageOf(error);
  return { errorDetail: { message }, error: message };
}

function line(value: unknown): string {
  return `${toJson(value)}\n`;
}

/** Resolves when the client has read enough, or is gone. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return;
  const settled = new AbortController();
  try {
    await Promise.race([
      once(response, 'drain', { signal: settled.signal }),
      once(response, 'close', { signal: settled.signal }),
    ]);
  } finally {
    settled.abort();
  }
}

/** Ends a reply that cannot be completed so that the client sees it is not whole. */
function breakOff(response: ServerResponse, error: unknown): void {
  response.destroy(error instanceof Error ? error : undefined);
}
