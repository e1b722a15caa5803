import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo, ListenOptions } from 'node:net';
import { conflict, describe, errnoCode, system } from '#errors/errors.ts';
import type { HttpServer } from './http1/server.ts';
import type { ListenTarget } from './listen-target.ts';
import { listenOnUnixSocket } from './unix-socket.ts';

export interface Listener {
  /** `unix:///path`, `tcp://host:port` with the real port, or `fd://N`. */
  readonly address: string;
  /** The listening descriptor, for who keeps it beyond this process. */
  readonly descriptor: number;
  /** Stops listening, closes the connections, and takes a unix socket's file away. May be called twice. */
  close(): Promise<void>;
}

/** Starts to listen. Rejects with `conflict` when the address is in use, `system` when it cannot be had. */
export async function listenOn(http: HttpServer, target: ListenTarget): Promise<Listener> {
  switch (target.kind) {
    case 'unix': {
      const release = await listenOnUnixSocket(http.server, target.path, target.group);
      return listener(http, `unix://${target.path}`, release);
    }
    case 'tcp': {
      await listen(http, { host: target.host, port: target.port }, `tcp://${target.host}:${target.port}`);
      const { address, port, family } = http.server.address() as AddressInfo;
      const host = family === 'IPv6' ? `[${address}]` : address;
      return listener(http, `tcp://${host}:${port}`);
    }
    case 'fd': {
      await listen(http, { fd: target.fd } as ListenOptions, `fd://${target.fd}`);
      return listener(http, `fd://${target.fd}`, async () => {
        if (target.path) await rm(target.path, { force: true });
      });
    }
  }
}

function listener(http: HttpServer, address: string, release: () => Promise<void> = async () => {}): Listener {
  const { _handle: handle } = http.server as unknown as { _handle: { fd: number } };
  return {
    address,
    descriptor: handle.fd,
    async close() {
      await http.close();
      await release();
    },
  };
}

async function listen({ server }: HttpServer, options: ListenOptions, name: string): Promise<void> {
  try {
    const listening = once(server, 'listening');
    server.listen(options);
    await listening;
  } catch (cause) {
    const inUse = errnoCode(cause) === 'EADDRINUSE';
    const make = inUse ? conflict : system;
    throw make(`cannot listen on ${name}: ${describe(cause)}`, {
      cause,
      code: errnoCode(cause),
      hint: inUse ? 'another program has this port; stop it or choose another' : undefined,
    });
  }
}
