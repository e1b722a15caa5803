/** A daemon that answers as a test says, and command lines that are run against it. */
import type { ServerResponse } from 'node:http';
import type { Duplex, PassThrough } from 'node:stream';
import { type FakeDaemon, type FakeDaemonOptions, type Recorded, replyJson, startFakeDaemon } from './fake-daemon.ts';
import { type Outcome, runInMemory } from './memory-context.ts';

/** Answers by `METHOD /path`. */
export type Routes = Record<string, (response: ServerResponse, request: Recorded) => void>;

export const empty = (response: ServerResponse) => response.writeHead(204).end();
export const created = (response: ServerResponse) =>
  replyJson(response, 201, { Id: 'c0ffee', Warnings: ['be warned'] });
export const fails = (status: number, message: string) => (response: ServerResponse) =>
  replyJson(response, status, { message });

/** Runs `body` with such a daemon. Requests without an answer of their own get 404. */
export async function withDaemon(
  routes: Routes,
  body: (run: (line: string, stdin?: string | PassThrough) => Promise<Outcome>, daemon: FakeDaemon) => Promise<void>,
  upgrade?: FakeDaemonOptions['upgrade'],
): Promise<void> {
  const reply = (request: Recorded, response: ServerResponse) => {
    const route = routes[`${request.method} ${request.path}`];
    if (route) route(response, request);
    else replyJson(response, 404, { message: `no answer to ${request.method} ${request.path}` });
  };
  const daemon = await startFakeDaemon({ reply, upgrade });
  try {
    await body((line, stdin) => runInMemory(line.split(' '), { host: daemon.host, stdin }), daemon);
  } finally {
    await daemon.close();
  }
}

/** What was asked for, in order. */
export const asked = (daemon: FakeDaemon) => daemon.requests.map(({ method, path }) => `${method} ${path}`);

/** A piece of multiplexed output: `kind` 1 is standard output, 2 standard error. */
export const frame = (kind: number, text: string) => {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = kind;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
};

/** Upgrades the connection of an attach. */
export const hijacked = (socket: Duplex) =>
  socket.write(
    'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );
