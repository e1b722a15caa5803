import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Backend } from '#api/server/backend.ts';
import { createApiServer } from '#api/server/server.ts';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: () => unknown;
}

export interface TestApi {
  path: string;
  /** One request on a connection of its own; `body` objects go as JSON. */
  ask(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A raw connection on which `text` was sent. */
  raw(text: string): RawClient;
}

export interface RawClient {
  socket: Socket;
  /** Resolves with all that came so far once `pattern` matches it; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that came when the other side has ended. */
  end(): Promise<string>;
}

/** An API server on a unix socket of its own, closed when the test ends. */
export async function startApi(
  t: TestContext,
  backend: Backend,
  options: { access?: 'read' | 'operate' | 'exec' | 'admin' } = {},
): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-api-'));
  const path = join(folder, 'api.sock');
  const server = createApiServer({ backend, version: '0.0-test' });
  await server.listen({ kind: 'unix', path, access: options.access ?? 'admin' });
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  return { path, ask: (...args) => ask(path, ...args), raw: (text) => rawClient(path, text) };
}

function ask(
  socketPath: string,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const type = text !== undefined && !('content-type' in headers) ? { 'content-type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path: url, agent: false, headers: { ...type, ...headers } }, (reply) => {
      let received = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => (received += chunk));
      reply.on('error', reject);
      reply.on('end', () =>
        resolve({
          status: reply.statusCode ?? 0,
          headers: reply.headers,
          text: received,
          json: () => JSON.parse(received),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

function rawClient(path: string, text: string): RawClient {
  const socket = connect({ path, allowHalfOpen: true });
  return rawOn(socket, text);
}

/** The same on any socket, for example a TLS one. */
export function rawOn(socket: Socket, text: string): RawClient {
  let received = '';
  let ended = false;
  let check = () => {};
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    received += String(chunk);
    check();
  });
  const finish = () => {
    ended = true;
    check();
  };
  socket.on('end', finish).on('close', finish).on('error', finish);
  socket.write(text);
  const when = (test: () => boolean) =>
    new Promise<string>((resolve, reject) => {
      check = () => {
        if (test()) resolve(received);
        else if (ended) reject(new Error(`the connection ended after: ${received}`));
      };
      check();
    });
  return { socket, until: (pattern) => when(() => pattern.test(received)), end: () => when(() => ended) };
}
