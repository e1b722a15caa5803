import type { Duplex, Readable } from 'node:stream';
import type { ProgressMessage } from '#api/types/image.ts';
import type { Sendable } from '#lib/client-socket.ts';
import type { Fields } from './http1/fields.ts';

/** What a handler gives back: the reply as data. `send.ts` writes it. */
export type Reply =
  | { kind: 'json'; status: number; value: unknown }
  | { kind: 'text'; status: number; text: string; headers?: Fields }
  | { kind: 'empty'; status: number; headers?: Fields }
  | { kind: 'later'; value: Promise<unknown> }
  | {
      kind: 'bytes';
      contentType: string;
      source: ByteSource;
      lastWords?: (error: unknown) => Buffer;
      headers?: Fields;
    }
  | { kind: 'json-lines'; source: AsyncIterable<unknown> }
  | { kind: 'progress'; run: (emit: (message: ProgressMessage) => void) => Promise<void> }
  | { kind: 'hijack'; multiplexed: boolean; connect: (client: Duplex) => Promise<void> }
  | { kind: 'websocket'; text: boolean; connect: (client: Duplex) => Promise<void> };

export type ByteSource = Sendable | Readable;

/** A JSON value, whole. */
export const json = (value: unknown, status = 200): Reply => ({ kind: 'json', status, value });

/** No body. */
export const empty = (status = 204, headers?: Fields): Reply => ({ kind: 'empty', status, headers });

/** Plain text. */
export const text = (value: string, headers?: Fields): Reply => ({
  kind: 'text',
  status: 200,
  text: value,
  headers,
});

/** A JSON value that comes later; the head with status 200 goes out at once, for clients wait for it. */
export const later = (value: Promise<unknown>): Reply => ({ kind: 'later', value });

/**
 * Bytes as they come; the memory of a piece of 64 KiB or more may be used again when the next one is asked for.
 * `lastWords` is what to write when the source fails half-way; without it the connection breaks.
 */
export const bytes = (contentType: string, source: ByteSource, lastWords?: (error: unknown) => Buffer): Reply => ({
  kind: 'bytes',
  contentType,
  source,
  lastWords,
});

/** A tar as it comes; the connection breaks when it cannot be completed. */
export const tar = (contentType: string, source: ByteSource, headers?: Fields): Reply => ({
  kind: 'bytes',
  contentType,
  source,
  headers,
});

/** One JSON object per line as they come; an error on the way is an `errorDetail` line. */
export const jsonLines = (source: AsyncIterable<unknown>): Reply => ({ kind: 'json-lines', source });

/** Lines of progress of some work; the status is decided at the first one. */
export const progress = (run: (emit: (message: ProgressMessage) => void) => Promise<void>): Reply => ({
  kind: 'progress',
  run,
});

/** The connection itself. `multiplexed` says that the bytes are frames, which the Content-Type tells from 1.42 on. */
export const hijack = (multiplexed: boolean, connect: (client: Duplex) => Promise<void>): Reply => ({
  kind: 'hijack',
  multiplexed,
  connect,
});

/** The connection as a WebSocket, whose messages are texts or bytes. */
export const webSocket = (text: boolean, connect: (client: Duplex) => Promise<void>): Reply => ({
  kind: 'websocket',
  text,
  connect,
});
