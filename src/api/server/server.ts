import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EngineError } from '#errors/errors.ts';
import type { Logger } from '#lib/log.ts';
import type { Access } from './access.ts';
import { NEWEST_API } from './api-version.ts';
import type { Backend } from './backend.ts';
import { createHttpServer } from './http-server.ts';
import type { ListenTarget } from './listen-target.ts';
import { type Listener, listenOn } from './listeners.ts';
import { acceptsUpgrade, type Service, serveRequest, serveUpgrade } from './serve.ts';

export interface ApiServerOptions {
  backend: Backend;
  /** Named in the `Server` header. */
  version: string;
  experimental?: boolean;
  /** Told what cannot, or can no more, be told to the client in full. */
  log?: Pick<Logger, 'debug' | 'error'>;
  /** Why this engine may change nothing, if it may not. */
  readOnly?: EngineError;
}

export interface ApiServer {
  /** Answers one request of node's HTTP server; `access` is what the socket grants, all when absent. */
  handle(request: IncomingMessage, response: ServerResponse, access?: Access): void;
  /** True when `upgrade` wants the connection of this request. */
  accepts(request: IncomingMessage): boolean;
  /** Answers a request whose connection node's HTTP server has given up for an upgrade. */
  upgrade(request: IncomingMessage, client: Duplex, head: Buffer, access?: Access): void;
  /** Rejects with `conflict` when somebody listens there already, `invalid` or `system` when it cannot be. */
  listen(target: ListenTarget): Promise<Listener>;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/** The Engine API over HTTP on any number of sockets. */
export function createApiServer({
  backend,
  version,
  experimental = false,
  log,
  readOnly,
}: ApiServerOptions): ApiServer {
  const listeners = new Set<Listener>();
  const headers = {
    'Api-Version': `1.${NEWEST_API}`,
    'Docker-Experimental': String(experimental),
    Ostype: 'linux',
    Server: `wherry/${version} (linux)`,
  };
  const service: Service = { backend, headers, log, readOnly };
  const server: ApiServer = {
    handle: (request, response, access = 'admin') => serveRequest(service, request, response, access),
    accepts: acceptsUpgrade,
    upgrade: (request, client, head, access = 'admin') => serveUpgrade(service, request, client, head, access),
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
