import { createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { Connection, type Serve } from './connection.ts';

/** A server of HTTP/1.1 and all of its connections. */
export interface HttpServer {
  /** To listen with. */
  server: Server;
  /** Stops listening and cuts all connections, also those that were taken over. */
  close(): Promise<void>;
}

/** How long a head may take, in ms; as dockerd. */
const HEAD_TIMEOUT = 5 * 60_000;
/** How often that is looked at, in ms. */
const LOOK = 30_000;
/** Clients on TCP that vanished without a word are noticed after that, in ms, and a few probes. */
const PROBE_AFTER = 15_000;

/**
 * Nothing but a head has a time limit: a load may take hours, and an idle connection is used again after minutes. A client that
 * closes its sending side still gets its reply.
 */
export function createHttpServer(serve: Serve, tls?: TlsOptions): HttpServer {
  const connections = new Map<Socket, Connection>();
  const take = (socket: Socket) => {
    connections.set(socket, new Connection(socket, serve));
    socket.once('close', () => connections.delete(socket));
  };
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER };
  const server = tls ? tlsServer({ ...options, ...tls }, take) : createServer(options, take);
  const looking = setInterval(() => {
    const deadline = performance.now() - HEAD_TIMEOUT;
    for (const connection of connections.values()) connection.expire(deadline);
  }, LOOK).unref();
  return {
    server,
    async close() {
      clearInterval(looking);
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
      for (const socket of connections.keys()) socket.destroy();
      await closed;
    },
  };
}

/** node:tls is loaded when it is needed: it brings OpenSSL's bindings with it. */
function tlsServer(options: TlsOptions, take: (socket: Socket) => void): Server {
  return process.getBuiltinModule('node:tls').createServer({ ...options, ALPNProtocols: ['http/1.1'] }, take);
}
