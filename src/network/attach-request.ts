import type { EndpointSettings } from '#api/types/network.ts';
import type { PortMap } from '#api/types/port.ts';
import { invalid } from '#errors/errors.ts';
import type { NetworkRecord } from './network-record.ts';

/** What a container that is about to start asks of its network. */
export interface AttachRequest extends PortWishes {
  containerId: string;
  /** The container's name, for messages. */
  name: string;
  /** `HostConfig.NetworkMode`: `default`, `bridge`, `host`, `none`, `container:ID` with the full id, or a network. */
  mode: string;
  /** Every network of the container, by name or id; absent = the one of the mode. */
  endpoints?: Record<string, Partial<EndpointSettings>>;
  /** For the network of the mode. */
  macAddress?: string;
  /** More names by which its neighbours know it. */
  names?: string[];
}

/** Which ports a container wants published. */
export interface PortWishes {
  /** `80/tcp`, ... */
  exposedPorts?: string[];
  portBindings?: PortMap;
  /** Every exposed one. */
  publishAll?: boolean;
}

export type NetworkMode = { kind: 'container'; containerId: string } | { kind: 'network'; name: string };

/** `default` and no mode at all mean the default bridge. */
export function parseMode(mode: string): NetworkMode {
  if (mode === '' || mode === 'default') return { kind: 'network', name: 'bridge' };
  const container = /^container:(.+)$/.exec(mode);
  return container ? { kind: 'container', containerId: container[1]! } : { kind: 'network', name: mode };
}

/** A hardware address in canonical text, or undefined for none; throws `invalid` when it is none. */
export function canonicalMac(mac: string | undefined): string | undefined {
  if (!mac) return undefined;
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(mac)) throw invalid(`invalid MAC address: ${mac}`);
  const canonical = mac.replaceAll('-', ':').toLowerCase();
  if (Number.parseInt(canonical.slice(0, 2), 16) & 1) {
    throw invalid(`invalid MAC address: ${mac} is a multicast address`, { hint: 'The first byte must be even.' });
  }
  return canonical;
}

/**
 * What a container asks of each of its networks, the one of its mode first, the others by name: in this order they get
 * `eth0`, `eth1`, ...
 */
export function wantedEndpoints(
  request: AttachRequest,
  resolve: (name: string) => NetworkRecord,
): { record: NetworkRecord; settings: Partial<EndpointSettings> }[] {
  const mode = parseMode(request.mode);
  if (mode.kind === 'container') return [];
  const asked = request.endpoints ?? { [mode.name]: {} };
  const wanted = Object.entries(asked).map(([name, settings]) => ({ record: resolve(name), settings }));
  const first = ({ record }: { record: NetworkRecord }) => record.name === mode.name || record.id.startsWith(mode.name);
  return wanted.sort((a, b) => Number(first(b)) - Number(first(a)) || (a.record.name < b.record.name ? -1 : 1));
}

/** An endpoint as inspect shows it: what was asked for, and nothing yet of what it got. */
export function emptyEndpoint(networkId: string, requested: Partial<EndpointSettings>): EndpointSettings {
  return {
    IPAMConfig: requested.IPAMConfig ?? null,
    Links: requested.Links ?? null,
    Aliases: requested.Aliases ?? null,
    MacAddress: requested.MacAddress ?? '',
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
