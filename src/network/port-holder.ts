import { describe, type EngineError, type ErrorOptions, errnoCode, notImplemented, system } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import type { Ipv6Proxy } from './ipv6-proxy.ts';
import type { PortRequest } from './port-requests.ts';
import { EVERY_IPV4, EVERY_IPV6, hostText, isIpv6, type PublishedPort } from './published-port.ts';

/** Who publishes, as error messages name it. */
export interface PortOwner {
  containerId: string;
  /** The container's name. */
  name: string;
  endpointId: string;
}

export interface PortTarget {
  containerAddress: string;
  /** For requests that name no address. */
  publishAddress: string;
}

export interface PortHolderOptions {
  launcher: Pick<Launcher, 'holdPort' | 'release'>;
  /** Absent = nothing is published over IPv6. */
  ipv6: Ipv6Proxy | undefined;
  /** Where free ports are looked for (net.ipv4.ip_local_port_range). */
  ephemeral: { first: number; last: number };
}

const KEY_PREFIX = 'port/';

/**
 * Takes ports of the host, so that nobody else gets them and a second `-p` on one is refused: over IPv4 the launcher
 * holds a bound socket, over IPv6 the proxy listens.
 */
export class PortHolder {
  readonly #options: PortHolderOptions;
  #nextFree: number;

  constructor(options: PortHolderOptions) {
    this.#options = options;
    this.#nextFree = options.ephemeral.first;
  }

  /**
   * Takes every requested port or, when one cannot be had, none. `target` is the container's address, and where
   * requests without an address are published.
   * Throws Docker's "port is already allocated" (`system`) for a port or range that is taken.
   */
  async hold(owner: PortOwner, requests: PortRequest[], target: PortTarget): Promise<PublishedPort[]> {
    const held: PublishedPort[] = [];
    try {
      for (const request of requests) held.push(...(await this.#holdRequest(owner, request, target, held)));
      return held;
    } catch (error) {
      await this.letGo(owner.containerId, held);
      throw error;
    }
  }

  /** Takes a port that is its owner's already, after a restart. */
  async holdAgain(containerId: string, port: PublishedPort): Promise<void> {
    const { protocol, hostAddress: address, hostPort } = port;
    const key = portKey(containerId, port);
    if (isIpv6(port)) await this.#options.ipv6?.listen(key, port);
    else await this.#options.launcher.holdPort({ key, protocol, address, port: hostPort });
  }

  async letGo(containerId: string, ports: PublishedPort[]): Promise<void> {
    const { launcher, ipv6 } = this.#options;
    const letGoOne = (port: PublishedPort) => {
      const key = portKey(containerId, port);
      return isIpv6(port) ? ipv6?.close(key) : launcher.release(key);
    };
    await Promise.all(ports.map(letGoOne));
  }

  async #holdRequest(
    owner: PortOwner,
    request: PortRequest,
    { containerAddress, publishAddress }: PortTarget,
    held: readonly PublishedPort[],
  ): Promise<PublishedPort[]> {
    const { protocol, containerPort } = request;
    const addresses = this.#addresses(request, publishAddress);
    let failure: unknown;
    for (const hostPort of this.#candidates(request)) {
      const ports = addresses.map((hostAddress) => ({
        protocol,
        hostAddress,
        hostPort,
        containerAddress,
        containerPort,
      }));
      try {
        refuseTwice(ports, held);
        return await this.#holdAll(owner.containerId, ports);
      } catch (error) {
        failure = bindError(owner, ports[0]!, error);
        if (errnoCode(error) !== 'EADDRINUSE') throw failure;
      }
    }
    if (request.firstPort > 0 && request.firstPort === request.lastPort) throw failure;
    throw connectivityError(owner, 'all ports are allocated', {
      code: 'EADDRINUSE',
      hint: 'Publish on a wider range.',
    });
  }

  async #holdAll(containerId: string, ports: PublishedPort[]): Promise<PublishedPort[]> {
    const results = await Promise.allSettled(ports.map((port) => this.holdAgain(containerId, port)));
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure) return ports;
    await this.letGo(
      containerId,
      ports.filter((_, index) => results[index]!.status === 'fulfilled'),
    );
    throw failure.reason;
  }

  /** Without an address of its own, a TCP port is published over IPv6 too where this host has it. */
  #addresses({ hostAddress, protocol }: PortRequest, publishAddress: string): string[] {
    const { ipv6 } = this.#options;
    const address = hostAddress || publishAddress;
    if (isIpv6({ hostAddress: address }) && (protocol !== 'tcp' || !ipv6)) {
      throw notImplemented(`cannot publish a ${protocol} port on ${address}: only TCP is published over IPv6`, {
        hint: 'Publish on an IPv4 address.',
      });
    }
    return hostAddress === '' && address === EVERY_IPV4 && protocol === 'tcp' && ipv6
      ? [address, EVERY_IPV6]
      : [address];
  }

  /** The ports to try: those of the range, or all that are ephemeral, beginning after the last one given. */
  *#candidates({ firstPort, lastPort }: PortRequest): Generator<number> {
    if (firstPort > 0) {
      for (let port = firstPort; port <= lastPort; port++) yield port;
      return;
    }
    const { first, last } = this.#options.ephemeral;
    for (let tries = first; tries <= last; tries++) {
      const port = this.#nextFree;
      this.#nextFree = port === last ? first : port + 1;
      yield port;
    }
  }
}

/** The owner's own ports are as taken as those of others; under one key the launcher would not ask the kernel again. */
function refuseTwice(ports: readonly PublishedPort[], held: readonly PublishedPort[]): void {
  const keys = new Set(held.map((port) => portKey('', port)));
  const same = ports.find((port) => keys.has(portKey('', port)));
  if (same) throw system(`${hostText(same)} is published twice`, { code: 'EADDRINUSE' });
}

/** The name under which a port is held: a restarted engine knows by it whose port it is. */
export function portKey(containerId: string, { protocol, hostAddress, hostPort }: PublishedPort): string {
  return `${KEY_PREFIX}${containerId}/${protocol}/${hostAddress}/${hostPort}`;
}

export function isPortKey(key: string): boolean {
  return key.startsWith(KEY_PREFIX);
}

const BIND_FAILURES: Record<string, { text: string; hint: string }> = {
  EADDRINUSE: { text: 'port is already allocated', hint: 'Stop what uses the port, or publish another one.' },
  EADDRNOTAVAIL: { text: 'cannot assign requested address', hint: 'Publish on an address that this host has.' },
};

function bindError(owner: PortOwner, port: PublishedPort, cause: unknown): EngineError {
  const known = BIND_FAILURES[errnoCode(cause) ?? ''];
  const text = `Bind for ${hostText(port)} failed: ${known?.text ?? describe(cause)}`;
  return connectivityError(owner, text, { code: errnoCode(cause), hint: known?.hint, cause });
}

function connectivityError({ name, endpointId }: PortOwner, text: string, options: ErrorOptions): EngineError {
  return system(
    `driver failed programming external connectivity on endpoint ${name} (${endpointId}): ${text}`,
    options,
  );
}
