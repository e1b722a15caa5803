import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StreamError } from '#api/types/error.ts';
import type { ProgressMessage } from '#api/types/image.ts';
import { describe, type EngineError, isEngineError } from '#errors/errors.ts';
import { type Fields, fieldLines } from './http1/fields.ts';
import type { Response } from './http1/response.ts';
import type { ByteSource, Reply } from './reply.ts';
import { toJson, wireJson } from './wire-json.ts';

/** Writes replies. Whatever waits for a slow client ends when the client goes away. */

/** The header lines of every reply, alone and with the types that most replies have. */
export interface CommonLines {
  any: string;
  json: string;
  text: string;
}

export function commonLines(fields: Fields): CommonLines {
  const any = fieldLines(fields);
  return {
    any,
    json: `${any}Content-Type: application/json\r\n`,
    text: `${any}Content-Type: text/plain; charset=utf-8\r\n`,
  };
}

/** Progress that a slow client has not read is superseded by later progress: beyond this many bytes it is dropped. */
const PROGRESS_BACKLOG = 1 << 18;

/** Writes a whole reply other than a hijack; Rejects only when nothing was sent yet: the error is then the reply. */
export async function sendReply(
  response: Response,
  common: CommonLines,
  reply: Exclude<Reply, { kind: 'hijack' | 'websocket' }>,
): Promise<void> {
  switch (reply.kind) {
    case 'json':
      return response.whole(reply.status, common.json, wireJson(reply.value));
    case 'text':
      return response.whole(reply.status, common.text + linesOf(reply.headers), reply.text);
    case 'empty':
      return response.whole(reply.status, common.any + linesOf(reply.headers));
    case 'later':
      return sendLater(response, common, reply.value);
    case 'bytes': {
      const lines = linesOf({ ...reply.headers, 'Content-Type': reply.contentType });
      return sendBytes(response, common.any + lines, reply.source, reply.lastWords);
    }
    case 'json-lines':
      return sendJsonLines(response, common, reply.source);
    case 'progress':
      return sendProgress(response, common, reply.run);
  }
}

function linesOf(fields: Fields | undefined): string {
  return fields ? fieldLines(fields) : '';
}

/** The error's status and `{"message"}`; plain text before API 1.24. */
export function sendError(response: Response, common: CommonLines, error: EngineError, version: number): void {
  const status = statusOf(error);
  const message = messageOf(error);
  if (status === 304) response.whole(status, common.any);
  else if (version < 24) response.whole(status, common.text, `${message}\n`);
  else response.whole(status, common.json, `${JSON.stringify({ message })}\n`);
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

async function sendLater(response: Response, common: CommonLines, value: Promise<unknown>) {
  response.open(200, common.json);
  response.flush();
  try {
    response.end(toJson(await value));
  } catch {
    response.abort(); // the client sees that the reply is not whole
  }
}

async function sendBytes(
  response: Response,
  fields: string,
  source: ByteSource,
  lastWords: ((error: unknown) => Buffer) | undefined,
): Promise<void> {
  response.open(200, fields);
  try {
    if (response.chunked && !lastWords && 'sendChunks' in source && source.sendChunks) {
      await response.lend(source.sendChunks);
      return response.end();
    }
    response.flush();
    for await (const chunk of source as AsyncIterable<Buffer>) {
      // a chunk above the buffer's limit has been handed to the kernel when the buffer has drained
      if (!response.write(chunk)) await response.drained();
      if (response.closed) return;
    }
    response.end();
  } catch (error) {
    if (lastWords) response.end(lastWords(error));
    else response.abort();
  }
}

/** A source that fails at once still decides the status; after that the head goes out, with or without a line. */
async function sendJsonLines(response: Response, common: CommonLines, source: AsyncIterable<unknown>) {
  const iterator = source[Symbol.asyncIterator]();
  let step = iterator.next();
  await Promise.race([step, nextTurn()]);
  response.open(200, common.json);
  response.flush();
  try {
    for (let item = await step; !item.done && !response.closed; item = await step) {
      if (!response.write(line(item.value))) await response.drained();
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
  response: Response,
  common: CommonLines,
  run: (emit: (message: ProgressMessage) => void) => Promise<void>,
): Promise<void> {
  let opened = false;
  const open = () => {
    if (!opened) response.open(200, common.json);
    opened = true;
  };
  const emit = (message: ProgressMessage) => {
    open();
    if (message.progressDetail?.current && response.backlog > PROGRESS_BACKLOG) return;
    response.write(line(message));
  };
  try {
    await run(emit);
    open();
    response.end();
  } catch (error) {
    if (!opened) throw error;
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
