import { close as closeDescriptor } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Launcher } from '#linux/launcher-types.ts';
import type { PublishedPort } from './published-port.ts';

/**
 * Published TCP ports over IPv6. Containers have IPv4 addresses only, so connections to the host's IPv6 addresses are
 * passed on by this process. The launcher keeps the listening sockets: while the engine restarts, clients wait.
 */
export class Ipv6Proxy {
  readonly #launcher: Pick<Launcher, 'keepDescriptor' | 'release' | 'kept'>;
  /** What an earlier engine kept and this one has not used yet: a descriptor's number means something else afterwards. */
  readonly #kept: Map<string, number>;
  readonly #servers = new Map<string, Server>();
  readonly #connections = new Map<string, Set<Socket>>();

  constructor(launcher: Pick<Launcher, 'keepDescriptor' | 'release' | 'kept'>) {
    this.#launcher = launcher;
    this.#kept = new Map(launcher.kept);
  }

  /** Listens, on the socket that an earlier engine kept under the key if there is one; rejects with the errno's name. */
  async listen(key: string, port: PublishedPort): Promise<void> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (client) => passOn(client, port, sockets));
    const kept = this.#take(key);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (kept === undefined) server.listen({ host: port.hostAddress, port: port.hostPort, ipv6Only: true }, resolve);
      else server.listen({ fd: kept }, resolve);
    });
    this.#servers.set(key, server);
    this.#connections.set(key, sockets);
    if (kept === undefined) await this.#launcher.keepDescriptor(key, descriptorOf(server));
  }

  /** Stops listening and ends the connections. */
  async close(key: string): Promise<void> {
    this.#closeServer(key);
    await this.#launcher.release(key);
  }

  /** Closes what an earlier engine kept and nobody wants any more. */
  async forget(key: string): Promise<void> {
    const descriptor = this.#take(key);
    if (descriptor !== undefined) closeDescriptor(descriptor);
    await this.#launcher.release(key);
  }

  /** Ends the engine's part; the launcher goes on keeping the sockets. */
  shutDown(): void {
    for (const key of [...this.#servers.keys()]) this.#closeServer(key);
  }

  #take(key: string): number | undefined {
    const descriptor = this.#kept.get(key);
    this.#kept.delete(key);
    return descriptor;
  }

  #closeServer(key: string): void {
    this.#servers.get(key)?.close();
    for (const socket of this.#connections.get(key) ?? []) socket.destroy();
    this.#servers.delete(key);
    this.#connections.delete(key);
  }
}

function passOn(client: Socket, { containerAddress, containerPort }: PublishedPort, sockets: Set<Socket>): void {
  const target = connect({ host: containerAddress, port: containerPort, allowHalfOpen: true });
  for (const [socket, other] of [
    [client, target],
    [target, client],
  ] as const) {
    sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
    socket.pipe(other);
  }
}

/** Node has no public way to a listening socket's descriptor. */
function descriptorOf(server: Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}
