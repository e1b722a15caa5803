import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { http } from '#lib/node-http.ts';
import type { Reply } from './reply.ts';
import { WebSocketStream } from './websocket/stream.ts';

/** A connection that stops being HTTP: attach and exec speak raw bytes or frames on it, each direction ends alone. */

const RAW = 'application/vnd.docker.raw-stream';
const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream';

/** How long a client that does not close its side after the end is kept, in ms. */
const LINGER = 5_000;

/** The media type of a stream with or without frames: clients before 1.42 know only one. */
export function streamType(multiplexed: boolean, version: number): string {
  return multiplexed && version >= 42 ? MULTIPLEXED : RAW;
}

const taken = new WeakSet<Duplex>();

/** True for a connection that node's HTTP parser has no business with any more, whatever it makes of its bytes. */
export function isTakenOver(client: Duplex): boolean {
  return taken.has(client);
}

/** Takes a connection away from node's HTTP server, between the request's last byte and the reply's first. */
export function takeOver(response: ServerResponse): Duplex {
  const socket = response.socket as Socket;
  taken.add(socket);
  response.detachSocket(socket);
  for (const event of ['data', 'end', 'drain', 'timeout']) socket.removeAllListeners(event);
  Object.assign(socket, { readableFlowing: null }); // as fresh: neither flowing, which would lose bytes, nor paused
  return socket;
}

/** A response on a connection that is no longer the HTTP server's, for what must be said in plain HTTP after all. */
export function responseOn(client: Duplex, request: IncomingMessage): ServerResponse {
  const response = new http.ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(client as Socket);
  response.once('finish', () => {
    response.detachSocket(client as Socket);
    closeGently(client);
  });
  return response;
}

/** Writes the head, hands the connection over and closes it when the session is done. */
export async function runHijack(
  client: Duplex,
  reply: Extract<Reply, { kind: 'hijack' }>,
  options: { upgrade: boolean; version: number; headers: OutgoingHttpHeaders },
): Promise<void> {
  client.write(head(reply.multiplexed, options));
  try {
    await reply.connect(client);
  } finally {
    closeGently(client);
  }
}

/** Accepts the WebSocket, hands its stream over and closes it when the session is done. */
export async function runWebSocket(
  client: Duplex,
  head: string,
  { text, connect }: Extract<Reply, { kind: 'websocket' }>,
): Promise<void> {
  client.write(head);
  const stream = new WebSocketStream(client, { text });
  try {
    await connect(stream);
  } finally {
    closeGently(stream);
  }
}

function head(
  multiplexed: boolean,
  { upgrade, version, headers }: { upgrade: boolean; version: number; headers: OutgoingHttpHeaders },
): string {
  const lines = upgrade
    ? [
        'HTTP/1.1 101 UPGRADED',
        `Content-Type: ${streamType(multiplexed, version)}`,
        'Connection: Upgrade',
        'Upgrade: tcp',
      ]
    : ['HTTP/1.1 200 OK', `Content-Type: ${RAW}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Ends our side once all is written and waits for the client's side, so that a reset cuts off nothing in flight; the
 * socket closes itself when both sides have ended.
 */
function closeGently(client: Duplex): void {
  if (client.destroyed) return;
  client.resume();
  client.end(() => {
    const deadline = setTimeout(() => client.destroy(), LINGER);
    deadline.unref();
    client.once('close', () => clearTimeout(deadline));
  });
}
