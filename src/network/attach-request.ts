import type { EndpointSettings } from '#api/types/network.ts';
import type { PortMap } from '#api/types/port.ts';
import { invalid } from '#errors/errors.ts';

/** What a container that is about to start asks of its network. */
export interface AttachRequest {
  containerId: string;
  /** The container's name, for messages. */
  name: string;
  /** `HostConfig.NetworkMode`: `default`, `bridge`, `host`, `none`, `container:ID` with the full id, or a network. */
  mode: string;
  /** `NetworkingConfig.EndpointsConfig`: by network name or id. */
  endpoints?: Record<string, Partial<EndpointSettings>>;
  /** `80/tcp`, ... */
  exposedPorts?: string[];
  portBindings?: PortMap;
  publishAll?: boolean;
  macAddress?: string;
}

export type NetworkMode = { kind: 'container'; containerId: string } | { kind: 'network'; name: string };

/** `default` and no mode at all mean the default bridge. */
export function parseMode(mode: string): NetworkMode {
  if (mode === '' || mode === 'default') return { kind: 'network', name: 'bridge' };
  const container = /^container:(.+)$/.exec(mode);
  return container ? { kind: 'container', containerId: container[1]! } : { kind: 'network', name: mode };
}

/** The hardware address asked for, in canonical text, or undefined; throws `invalid` when it is none. */
export function requestedMac(request: AttachRequest, endpoint: Partial<EndpointSettings>): string | undefined {
  const mac = endpoint.MacAddress || request.macAddress;
  if (!mac) return undefined;
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) throw invalid(`invalid MAC address: ${mac}`);
  const canonical = mac.replaceAll('-', ':').toLowerCase();
  if (Number.parseInt(canonical.slice(0, 2), 16) & 1) {
    throw invalid(`invalid MAC address: ${mac} is a multicast address`, { hint: 'The first byte must be even.' });
  }
  return canonical;
}

/** Addresses can be chosen only where the user also chose the subnet. */
export function refuseFixedAddress(endpoint: Partial<EndpointSettings>): void {
  if (endpoint.IPAMConfig?.IPv4Address || endpoint.IPAMConfig?.IPv6Address) {
    throw invalid('user specified IP address is supported on user defined networks only');
  }
}

/** An endpoint as inspect shows it, with nothing yet of what it got. */
export function emptyEndpoint(networkId: string, requested: Partial<EndpointSettings>): EndpointSettings {
  return {
    IPAMConfig: requested.IPAMConfig ?? null,
    Links: requested.Links ?? null,
    Aliases: requested.Aliases ?? null,
    MacAddress: '',
    DriverOpts: requested.DriverOpts ?? null,
    GwPriority: requested.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: requested.DNSNames ?? null,
  };
}
