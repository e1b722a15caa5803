import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { routes } from '#api/server/routes.ts';
import { note } from './coverage.ts';
import { problemsOf } from './openapi.ts';

export interface Asked {
  /** Of the operation's path: `{ id: 'x' }`. */
  path?: Record<string, string>;
  query?: Record<string, string>;
  /** Objects go as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Calls an operation of the OpenAPI file (`GET /containers/{id}/json`), checks status and reply, gives the JSON, of a stream a list. Older versions than the route must get a 404. */
export type ApiCall = (operation: string, status: number, asked?: Asked) => Promise<unknown>;

/** Operations whose reply is one JSON object a line. */
const STREAMS = new Set([
  'GET /events',
  'POST /images/load',
  'POST /images/create',
  'POST /images/{name}/push',
  'GET /containers/{id}/stats',
]);

/** Operations that were called with success. */
export const called = new Set<string>();

export function apiCaller(socketPath: string, minor: number): ApiCall {
  return async (operation, status, asked = {}) => {
    const [method, template] = operation.split(' ') as [string, string];
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => asked.path?.[name] ?? `{${name}}`);
    const query = new URLSearchParams(asked.query).toString();
    const url = `/v1.${minor}${path}${query && `?${query}`}`;
    const expected = minor < sinceOf(operation) ? 404 : status;
    const reply = await ask(socketPath, method, url, asked);
    assert.equal(reply.status, expected, `${method} ${url}: ${reply.body.slice(0, 500)}`);
    if (expected !== status) return undefined;
    note(operation, asked.query ?? {}, asked.body);
    if (status < 400) called.add(operation);
    if (!reply.type.startsWith('application/json') || reply.body === '') return reply.body;
    const values = reply.body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    for (const value of values) assert.deepEqual(problemsOf(operation, status, value, minor), [], `${method} ${url}`);
    return STREAMS.has(operation) ? values : values[0];
  };
}

/** The API version 1.N that brought an operation, by the engine's own table. */
function sinceOf(operation: string): number {
  const route = routes.find(({ method, path }) => shapeOf(`${method} ${path}`) === shapeOf(operation));
  return route?.since ?? 0;
}

/** An operation whatever its parameters are called: `GET /containers/{}/json`. */
export const shapeOf = (operation: string) => operation.replaceAll(/\{\w+\}/g, '{}');

function ask(socketPath: string, method: string, path: string, { body, headers }: Asked) {
  const type = typeof body === 'object' && !Buffer.isBuffer(body) ? { 'Content-Type': 'application/json' } : {};
  return new Promise<{ status: number; type: string; body: string }>((resolve, reject) => {
    const sent = request({ socketPath, method, path, headers: { ...type, ...headers } }, (reply) => {
      const about = { status: reply.statusCode!, type: reply.headers['content-type'] ?? '' };
      text(reply).then((received) => resolve({ ...about, body: received }), reject);
    });
    sent.on('upgrade', (reply, socket) => {
      socket.destroy();
      resolve({ status: reply.statusCode!, type: '', body: '' });
    });
    sent.on('error', reject);
    sent.end('Content-Type' in type ? JSON.stringify(body) : (body as string | Buffer | undefined));
  });
}
