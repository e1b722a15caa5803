import type { PortMap } from '#api/types/port.ts';

export type TransportProtocol = 'tcp' | 'udp' | 'sctp';

/** One port of the host that is a container's. */
export interface PublishedPort {
  protocol: TransportProtocol;
  /** Canonical; `0.0.0.0` and `::` stand for every address of their kind. */
  hostAddress: string;
  hostPort: number;
  /** IPv4 */
  containerAddress: string;
  containerPort: number;
}

export const EVERY_IPV4 = '0.0.0.0';
export const EVERY_IPV6 = '::';

export function isIpv6({ hostAddress }: Pick<PublishedPort, 'hostAddress'>): boolean {
  return hostAddress.includes(':');
}

/** `0.0.0.0:8080`, `[::]:8080` */
export function hostText({ hostAddress, hostPort }: Pick<PublishedPort, 'hostAddress' | 'hostPort'>): string {
  return hostAddress.includes(':') ? `[${hostAddress}]:${hostPort}` : `${hostAddress}:${hostPort}`;
}

/** As inspect shows them: every exposed port, with null where nothing is published. */
export function toPortMap(published: PublishedPort[], exposed: string[]): PortMap {
  const map: PortMap = {};
  for (const key of exposed) map[key.includes('/') ? key : `${key}/tcp`] = null;
  for (const { protocol, containerPort, hostAddress, hostPort } of published) {
    const key = `${containerPort}/${protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: hostAddress, HostPort: String(hostPort) }];
  }
  return map;
}

/** The way back, for the container with this address. */
export function fromPortMap(map: PortMap, containerAddress: string): PublishedPort[] {
  return Object.entries(map).flatMap(([key, bindings]) => {
    const [port, protocol] = key.split('/') as [string, TransportProtocol];
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      protocol,
      hostAddress: HostIp,
      hostPort: Number(HostPort),
      containerAddress,
      containerPort: Number(port),
    }));
  });
}
