import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { ServerOptions as SecureOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { http, https } from '#lib/node-http.ts';
import type { Access } from './access.ts';
import { isTakenOver } from './hijack.ts';
import type { TlsSettings } from './listen-target.ts';
import type { ApiServer } from './server.ts';

/** A node HTTP server and the connections it no longer knows of. */
export interface HttpServer {
  server: Server;
  /** Stops listening and cuts all connections, the hijacked ones too. */
  close(): Promise<void>;
}

/** Bytes of a request's head: X-Registry-Config alone may hold dozens of credentials. */
const MAX_HEAD = 1 << 20;
/** How long a head may take, in ms; as dockerd. */
const HEAD_TIMEOUT = 5 * 60_000;

/**
 * Node's defaults would break what clients do: a load may take longer than 300 s, an idle connection is used again after
 * minutes, a client closes its sending side and still wants the answer, and an offer to upgrade to something else
 * (`h2c`, `TLS/1.2`) is not for us.
 */
export function createHttpServer(api: ApiServer, { access, tls }: { access: Access; tls?: TlsSettings }): HttpServer {
  const options: ServerOptions & { allowHalfOpen: boolean } = {
    requestTimeout: 0,
    headersTimeout: HEAD_TIMEOUT,
    keepAliveTimeout: 0,
    maxHeaderSize: MAX_HEAD,
    requireHostHeader: false,
    allowHalfOpen: true,
    shouldUpgradeCallback: (request: IncomingMessage) => api.accepts(request),
  };
  const server = tls ? https().createServer({ ...options, ...tlsOptions(tls) }) : http.createServer(options);
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  const connections = new Set<Duplex>();
  const keep = (connection: Duplex) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  };
  server.on(tls ? 'secureConnection' : 'connection', keep);
  server.on('request', (request, response) => api.handle(request, response, access));
  server.on('upgrade', (request, client, head) => api.upgrade(request, client, head, access));
  server.on('clientError', refuseBadRequest);
  return {
    server,
    async close() {
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

function tlsOptions({ ca, cert, key, verifyClients }: TlsSettings): SecureOptions {
  return { ca, cert, key, requestCert: verifyClients, rejectUnauthorized: verifyClients, minVersion: 'TLSv1.2' };
}

/** Says in the API's form what node's parser did not like. Bytes on a connection that is being hijacked are no error. */
function refuseBadRequest(error: NodeJS.ErrnoException, client: Duplex): void {
  if (isTakenOver(client)) return;
  if (!client.writable || error.code === 'ECONNRESET') return void client.destroy();
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = tooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const what = tooLarge ? `the request's head is larger than ${MAX_HEAD} bytes` : `malformed HTTP: ${error.message}`;
  const body = JSON.stringify({ message: what });
  client.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => client.destroy(),
  );
}
