import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type EngineError, invalid, isEngineError, notFound, system } from '#errors/errors.ts';
import { type Access, checkAccess } from './access.ts';
import { NEWEST_API, splitVersion } from './api-version.ts';
import type { Backend } from './backend.ts';
import { hasBody } from './body.ts';
import { Call } from './call.ts';
import { responseOn, runHijack, takeOver } from './hijack.ts';
import { createHttpServer } from './http-server.ts';
import type { ListenTarget } from './listen-target.ts';
import { type Listener, listenOn } from './listeners.ts';
import type { Reply } from './reply.ts';
import { createRouter, type Match } from './router.ts';
import { routes } from './routes.ts';
import { sendError, sendReply } from './send.ts';

export interface ApiServerOptions {
  backend: Backend;
  /** Named in the `Server` header. */
  version: string;
  experimental?: boolean;
  /** Told what went wrong inside and cannot, or can no more, be told to the client in full. */
  log?: (level: 'debug' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export interface ApiServer {
  /** Answers one request of node's HTTP server. */
  handle(request: IncomingMessage, response: ServerResponse, access?: Access): void;
  /** True when an upgrade is a route's business; other offers to upgrade are ignored, as HTTP allows. */
  accepts(request: IncomingMessage): boolean;
  /** Answers a request whose connection node's HTTP server has given up for an upgrade. */
  upgrade(request: IncomingMessage, client: Duplex, head: Buffer, access?: Access): void;
  /** Rejects with `conflict` when somebody listens there already, `invalid` or `system` when it cannot be. */
  listen(target: ListenTarget): Promise<Listener>;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/** The Engine API over HTTP: routes.ts decides who answers, this file how a request travels there and back. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { backend, log = () => {} } = options;
  const route = createRouter(routes);
  const listeners = new Set<Listener>();
  const common: OutgoingHttpHeaders = {
    'Api-Version': `1.${NEWEST_API}`,
    'Docker-Experimental': String(options.experimental ?? false),
    Ostype: 'linux',
    Server: `wherry/${options.version} (linux)`,
  };

  function open(request: IncomingMessage, access: Access): Call {
    const target = locate(request, route);
    checkAccess(access, target.route.access, `${target.route.method} ${target.route.path}`);
    return new Call(backend, request, target);
  }

  /** Every failure of a request ends here; `response` is where the client can still be told. */
  function fail(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const error = asEngineError(thrown);
    const fields = { method: request.method, url: request.url, error: thrown };
    if (error.kind === 'system') log('error', error.message, fields);
    else log('debug', error.message, fields);
    if (response.headersSent || response.destroyed) response.destroy();
    else sendError(response, common, error, versionOf(request));
  }

  async function answer(call: Call, response: ServerResponse): Promise<void> {
    const reply = await call.route.handler(call);
    if (reply.kind === 'hijack') throw system(`${call.route.path} is not in the table as a hijack`);
    await sendReply(response, common, reply);
  }

  async function hijack(call: Call, client: Duplex, upgrade: boolean): Promise<void> {
    let reply: Reply;
    try {
      reply = await call.route.handler(call);
    } catch (error) {
      return fail(call.request, responseOn(client, call.request), error);
    }
    if (reply.kind !== 'hijack') return sendReply(responseOn(client, call.request), common, reply);
    call.request.resume(); // a body that nobody asked for stands before the input
    await runHijack(client, reply, { upgrade, version: call.version, headers: common });
  }

  /** A hijack that does not ask for an upgrade: a body, if any, comes first, then the connection is raw. */
  async function hijackPlain(call: Call, response: ServerResponse): Promise<void> {
    if (hasBody(call.request)) await call.body();
    await hijack(call, takeOver(response), false);
  }

  const server: ApiServer = {
    handle(request, response, access = 'admin') {
      try {
        const call = open(request, access);
        const done = call.route.reply === 'hijack' ? hijackPlain(call, response) : answer(call, response);
        done.catch((error: unknown) => fail(request, response, error));
      } catch (error) {
        fail(request, response, error);
      }
    },

    accepts(request) {
      if (request.headers.upgrade?.toLowerCase() !== 'tcp') return false;
      try {
        return locate(request, route).route.reply === 'hijack';
      } catch {
        return false;
      }
    },

    upgrade(request, client, head, access = 'admin') {
      client.on('error', () => {}); // the session sees the close that follows
      if (head.length > 0) client.unshift(head);
      const failed = (error: unknown) => log('debug', 'a hijacked connection failed', { url: request.url, error });
      try {
        hijack(open(request, access), client, true).catch(failed);
      } catch (error) {
        fail(request, responseOn(client, request), error);
      }
    },

    async listen(target) {
      const listener = await listenOn(createHttpServer(server, target), target);
      listeners.add(listener);
      return listener;
    },

    async close() {
      await Promise.all([...listeners].map((listener) => listener.close()));
      listeners.clear();
    },
  };
  return server;
}

type Target = Match & { version: number; query: string };

/** Finds the route of a request. Throws `invalid` for a bad version or escape, `not-found` when there is none. */
function locate(request: IncomingMessage, route: ReturnType<typeof createRouter>): Target {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const { version, path } = splitVersion(mark < 0 ? url : url.slice(0, mark));
  const match = route(request.method ?? 'GET', path.includes('%') ? unescapePath(path) : path);
  if (!match) throw notFound('page not found');
  if (version < match.route.since) {
    throw notFound('page not found', {
      hint: `${match.route.method} ${match.route.path} came with API version 1.${match.route.since}`,
    });
  }
  return { ...match, version, query: mark < 0 ? '' : url.slice(mark + 1) };
}

function unescapePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw invalid(`the path ${path.slice(0, 200)} is not percent-encoded UTF-8`, { cause });
  }
}

/** The version for the form of an error, whatever else is wrong with the request. */
function versionOf(request: IncomingMessage): number {
  try {
    return splitVersion(request.url ?? '/').version;
  } catch {
    return NEWEST_API;
  }
}

function asEngineError(thrown: unknown): EngineError {
  if (isEngineError(thrown)) return thrown;
  return system(thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}
