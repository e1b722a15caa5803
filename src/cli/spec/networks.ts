import { isIP } from 'node:net';
import type { EndpointSettings } from '#api/types/network.ts';
import { CommandError } from '../errors.ts';
import type { ValueType } from '../flags/types.ts';
import { listOf } from '../flags/values.ts';
import { parseCsvLine, splitPair } from './csv.ts';

/** One `--network`: a name, or `name=net,alias=web,ip=10.0.0.2,driver-opt=a=b`. */
export interface NetworkAttachment {
  target: string;
  aliases: string[];
  links: string[];
  ipv4: string;
  ipv6: string;
  linkLocal: string[];
  mac: string;
  driverOptions: Record<string, string>;
  gatewayPriority: number;
}

/** What the flags beside `--network` say; it is meant for the first network. */
export interface EndpointFlags {
  aliases: string[];
  links: string[];
  ipv4: string;
  ipv6: string;
  linkLocal: string[];
  mac: string;
}

export const networks: ValueType<NetworkAttachment[]> = {
  name: 'network',
  initial: [],
  set: (previous, text) => [...previous, parseNetwork(text)],
};

const attachmentTo = (target: string): NetworkAttachment => ({
  target,
  aliases: [],
  links: [],
  ipv4: '',
  ipv6: '',
  linkLocal: [],
  mac: '',
  driverOptions: {},
  gatewayPriority: 0,
});

function parseNetwork(text: string): NetworkAttachment {
  if (!/(?:^|,)\s*\w[\w-]*=/.test(text)) return attachmentTo(text);
  const network = attachmentTo('');
  for (const field of parseCsvLine(text)) {
    const [key, value] = splitPair(field);
    if (value === undefined) throw new Error(`invalid field ${field}`);
    setNetworkField(network, key.trim().toLowerCase(), value.trim(), field);
  }
  if (network.target === '') throw new Error('network name/id is not specified');
  return network;
}

function setNetworkField(network: NetworkAttachment, key: string, value: string, field: string): void {
  switch (key) {
    case 'name':
      network.target = value;
      return;
    case 'alias':
      network.aliases.push(value);
      return;
    case 'ip':
      network.ipv4 = value;
      return;
    case 'ip6':
      network.ipv6 = value;
      return;
    case 'mac-address':
      network.mac = checkMac(value);
      return;
    case 'link-local-ip':
      network.linkLocal.push(value);
      return;
    case 'driver-opt': {
      const [name, option] = splitPair(value);
      if (option === undefined) throw new Error(`invalid key value pair format in driver options`);
      network.driverOptions[name.toLowerCase()] = option;
      return;
    }
    case 'gw-priority':
      if (!/^-?\d+$/.test(value)) throw new Error(`invalid gw-priority (${value}): value must be an integer`);
      network.gatewayPriority = Number(value);
      return;
    default:
      throw new Error(`invalid field key ${field.split('=')[0]}`);
  }
}

/** Canonical IP addresses only. */
export const addressList: ValueType<string[]> = listOf('list', (text) => {
  if (isIP(text.trim()) === 0) throw new Error(`IP address is not correctly formatted: ${text}`);
  return text.trim();
});

/** `--ip`, `--ip6` */
export const address: ValueType<string> = {
  name: 'ip',
  initial: '',
  set(_previous, text) {
    if (isIP(text) === 0) throw new Error(`failed to parse IP: ${JSON.stringify(text)}`);
    return text;
  },
};

function checkMac(text: string): string {
  if (
    !/^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}(?:[0-9a-f]{2}\1){0,2}[0-9a-f]{2}$|^(?:[0-9a-f]{4}\.){2,3}[0-9a-f]{4}$/i.test(
      text,
    )
  ) {
    throw new CommandError(`${text} is not a valid mac address`, { exitCode: 125 });
  }
  return text;
}

const builtin = /^(?:default|bridge|host|none|container(?::.*)?)$/;

/**
 * The endpoints of a container: those of `attached`, the first with the endpoint flags. A lone network without options has
 * none, for the daemon makes it.
 *
 * @throws CommandError for flags that contradict each other.
 */
export function parseEndpoints(attached: NetworkAttachment[], flags: EndpointFlags): Record<string, EndpointSettings> {
  if (flags.mac) checkMac(flags.mac);
  if (attached.length === 0) return { default: endpoint(applyFlags(attachmentTo('default'), flags)) };
  const kinds = new Set(attached.map(({ target }) => builtin.test(target)));
  const endpoints: Record<string, EndpointSettings> = {};
  attached.forEach((given, index) => {
    const network = index === 0 ? applyFlags(given, flags) : given;
    if (network.target in endpoints) refuse(`network ${JSON.stringify(network.target)} is specified multiple times`);
    if (attached.length === 1 && isPlain(network)) return;
    endpoints[network.target] = endpoint(network);
  });
  if (kinds.size > 1) refuse('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  return endpoints;
}

function applyFlags(network: NetworkAttachment, flags: EndpointFlags): NetworkAttachment {
  const both = (flag: string, option: string) =>
    refuse(`conflicting options: cannot specify both ${flag} and per-network ${option}`);
  if (network.aliases.length > 0 && flags.aliases.length > 0) both('--network-alias', 'alias');
  if (network.ipv4 && flags.ipv4) both('--ip', 'IPv4 address');
  if (network.ipv6 && flags.ipv6) both('--ip6', 'IPv6 address');
  if (network.mac && flags.mac) both('--mac-address', 'MAC address');
  if (network.linkLocal.length > 0 && flags.linkLocal.length > 0) both('--link-local-ip', 'link-local IP addresses');
  return {
    ...network,
    aliases: flags.aliases.length > 0 ? flags.aliases : network.aliases,
    // On the default bridge a link is the container's, on other networks the endpoint's.
    links: builtin.test(network.target) ? network.links : flags.links,
    ipv4: flags.ipv4 || network.ipv4,
    ipv6: flags.ipv6 || network.ipv6,
    linkLocal: flags.linkLocal.length > 0 ? flags.linkLocal : network.linkLocal,
    mac: flags.mac || network.mac,
  };
}

function endpoint(network: NetworkAttachment): EndpointSettings {
  if (network.target.trim() === '') refuse('no name set for network');
  if (builtin.test(network.target) && network.aliases.length > 0) {
    refuse('network-scoped aliases are only supported for user-defined networks');
  }
  return endpointSettings(network);
}

/** What a container asks of one network, as the API takes it. */
export function endpointSettings(network: NetworkAttachment): EndpointSettings {
  const { ipv4, ipv6, linkLocal } = network;
  const ipam = {
    ...(ipv4 ? { IPv4Address: ipv4 } : {}),
    ...(ipv6 ? { IPv6Address: ipv6 } : {}),
    ...(linkLocal.length > 0 ? { LinkLocalIPs: linkLocal } : {}),
  };
  return {
    IPAMConfig: Object.keys(ipam).length > 0 ? ipam : null,
    Links: network.links.length > 0 ? network.links : null,
    Aliases: network.aliases.length > 0 ? network.aliases : null,
    MacAddress: network.mac,
    DriverOpts: Object.keys(network.driverOptions).length > 0 ? network.driverOptions : null,
    GwPriority: network.gatewayPriority,
    NetworkID: '',
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

function isPlain(network: NetworkAttachment): boolean {
  const { target, ...options } = network;
  return Object.values(options).every((value) =>
    typeof value === 'object' ? Object.keys(value).length === 0 : !value,
  );
}

function refuse(message: string): never {
  throw new CommandError(message, { exitCode: 125 });
}
