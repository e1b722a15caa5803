import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

export interface Recorded {
  method: string;
  /** Without the version. */
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface FakeDaemon {
  /** `unix:///...` */
  host: string;
  requests: Recorded[];
  close(): Promise<void>;
}

export interface FakeDaemonOptions {
  /** Answers what has no answer of its own. */
  reply?(request: Recorded, response: ServerResponse): void;
  /** Takes over an upgraded connection after the daemon's 101. */
  upgrade?(request: Recorded, socket: Duplex, rest: Buffer): void;
  apiVersion?: string;
}

/** A server on a unix socket that writes down what clients ask, for docker's own client as well as for ours. */
export async function startFakeDaemon(options: FakeDaemonOptions = {}): Promise<FakeDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-cli-'));
  const path = join(folder, 'daemon.sock');
  const requests: Recorded[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer((incoming, response) => {
    response.setHeader('Api-Version', options.apiVersion ?? '1.51');
    response.setHeader('Ostype', 'linux');
    if (incoming.url?.endsWith('/_ping')) return void response.end('OK');
    const pieces: Buffer[] = [];
    incoming.on('data', (piece) => pieces.push(piece));
    incoming.on('end', () => {
      const request = record(incoming, Buffer.concat(pieces).toString());
      requests.push(request);
      if (options.reply) options.reply(request, response);
      else replyJson(response, 404, { message: `no answer to ${request.path}` });
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, socket, rest) => {
    const request = record(incoming, '');
    requests.push(request);
    options.upgrade?.(request, socket, rest);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    requests,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

export function replyJson(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

function record(incoming: IncomingMessage, body: string): Recorded {
  const url = new URL(incoming.url ?? '/', 'http://daemon');
  return {
    method: incoming.method ?? '',
    path: url.pathname.replace(/^\/v\d+\.\d+/, ''),
    query: Object.fromEntries(url.searchParams),
    headers: incoming.headers,
    body,
  };
}
