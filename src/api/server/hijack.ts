import type { Duplex } from 'node:stream';
import { closeGently } from './http1/close-gently.ts';
import type { Reply } from './reply.ts';
import { WebSocketStream } from './websocket/stream.ts';

/** A connection that stops being HTTP: attach and exec speak raw bytes or frames on it, each direction ends alone. */

const RAW = 'application/vnd.docker.raw-stream';
const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream';

/** The media type of a stream with or without frames: clients before 1.42 know only one. */
export function streamType(multiplexed: boolean, version: number): string {
  return multiplexed && version >= 42 ? MULTIPLEXED : RAW;
}

/** Writes the head, hands the connection over and closes it when the session is done. */
export async function runHijack(
  client: Duplex,
  reply: Extract<Reply, { kind: 'hijack' }>,
  options: { upgrade: boolean; version: number; common: string },
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
  { upgrade, version, common }: { upgrade: boolean; version: number; common: string },
): string {
  const lines = upgrade
    ? [
        'HTTP/1.1 101 UPGRADED',
        `Content-Type: ${streamType(multiplexed, version)}`,
        'Connection: Upgrade',
        'Upgrade: tcp',
      ]
    : ['HTTP/1.1 200 OK', `Content-Type: ${RAW}`];
  return `${lines.join('\r\n')}\r\n${common}\r\n`;
}
