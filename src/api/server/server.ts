import type { TlsOptions } from 'node:tls';
import type { EngineError } from '#errors/errors.ts';
import type { Logger } from '#lib/log.ts';
import { NEWEST_API } from './api-version.ts';
import type { Backend } from './backend.ts';
import { createHttpServer } from './http1/server.ts';
import type { ListenTarget, TlsSettings } from './listen-target.ts';
import { type Listener, listenOn } from './listeners.ts';
import { commonLines } from './send.ts';
import { type Service, serveRequest } from './serve.ts';

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
  const common = commonLines({
    'Api-Version': `1.${NEWEST_API}`,
    'Docker-Experimental': String(experimental),
    Ostype: 'linux',
    Server: `wherry/${version} (linux)`,
  });
  const service: Service = { backend, common, log, readOnly };
  return {
    async listen(target) {
      const { access } = target;
      const http = createHttpServer(
        (request, response) => serveRequest(service, request, response, access),
        target.tls && tlsOptions(target.tls),
      );
      http.server.prependListener('connection', () => backend.system.welcome?.());
      const listener = await listenOn(http, target);
      listeners.add(listener);
      return listener;
    },
    async close() {
      await Promise.all([...listeners].map((listener) => listener.close()));
      listeners.clear();
    },
  };
}

function tlsOptions({ ca, cert, key, verifyClients }: TlsSettings): TlsOptions {
  return { ca, cert, key, requestCert: verifyClients, rejectUnauthorized: verifyClients, minVersion: 'TLSv1.2' };
}
