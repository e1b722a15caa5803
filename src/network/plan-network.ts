import type { IPAM, IPAMConfig, NetworkCreateRequest } from '#api/types/network.ts';
import { conflict, forbidden, invalid, notFound, notImplemented } from '#errors/errors.ts';
import {
  blockContains,
  blocksOverlap,
  formatBlock,
  formatIpv4,
  type Ipv4Block,
  lastIpv4,
  parseIp,
  parseIpv4,
  parseIpv4Cidr,
} from '#lib/ip.ts';
import { BRIDGE_OPTION, bridgeTraits, mtuOption } from './bridge-traits.ts';
import { type BridgeNetwork, defaultMtu, takenBlocks } from './default-network.ts';
import type { HostNetwork } from './host-network.ts';
import { chooseSubnet } from './ipam.ts';
import { isPredefined, type NetworkRecord, type NetworkRequest } from './network-record.ts';
import { randomId } from './sandbox.ts';
import type { NetworkSettings } from './settings.ts';

export interface PlanContext {
  records: Iterable<NetworkRecord>;
  host: HostNetwork;
  settings: NetworkSettings;
}

/**
 * The record of a network that somebody asks for: its subnet from the request, else a free one of the default pools.
 * Throws, in Docker's words, `invalid` for what cannot be, `forbidden` and `conflict` for what collides.
 */
export function planNetwork(asked: NetworkCreateRequest, context: PlanContext): NetworkRecord {
  const records = [...context.records];
  checkName(asked.Name, records);
  const from = configSource(asked, records);
  const request: NetworkRequest = from
    ? { ...from, configFrom: asked.ConfigFrom.Network, configOnly: false }
    : requestOf(asked);
  const base = { id: randomId(), name: asked.Name, created: new Date().toISOString(), request };
  if (asked.ConfigOnly) return { ...base, driver: 'null' };
  checkDriver(asked, request);
  bridgeTraits(base, context.settings);
  return { ...base, driver: 'bridge', bridge: planBridge(base.id, request, records, context) };
}

function checkName(name: string, records: NetworkRecord[]): void {
  if (name.trim() === '') throw invalid(`invalid name: ${name}`, { hint: 'Give the network a name.' });
  if (isPredefined(name) || name === 'default') {
    throw forbidden(`operation is not permitted on predefined ${name} network `);
  }
  if (records.some((record) => record.name === name)) throw conflict(`network with name ${name} already exists`);
}

function configSource({ ConfigFrom }: NetworkCreateRequest, records: NetworkRecord[]): NetworkRequest | undefined {
  if (!ConfigFrom.Network) return undefined;
  const source = records.find(({ name, id }) => name === ConfigFrom.Network || id === ConfigFrom.Network);
  if (!source) throw notFound(`network ${ConfigFrom.Network} not found`);
  if (!source.request?.configOnly) {
    throw forbidden(`network ${ConfigFrom.Network} is not a configuration network (--config-only)`);
  }
  return source.request;
}

function requestOf(asked: NetworkCreateRequest): NetworkRequest {
  return {
    ipam: {
      Driver: asked.IPAM?.Driver || 'default',
      Options: asked.IPAM?.Options ?? null,
      Config: ipamConfigs(asked.IPAM),
    },
    options: asked.Options ?? {},
    labels: asked.Labels ?? {},
    internal: asked.Internal,
    attachable: asked.Attachable,
    enableIPv6: asked.EnableIPv6 ?? false,
    configOnly: asked.ConfigOnly,
    configFrom: '',
  };
}

function ipamConfigs(ipam: IPAM | null): IPAMConfig[] {
  return (ipam?.Config ?? []).map((config) =>
    Object.fromEntries(Object.entries(config).filter(([, value]) => value !== '' && value !== null)),
  );
}

const SINGLETONS = ['host', 'null'];

function checkDriver(
  { Driver: driver, Scope: scope, Ingress: ingress, EnableIPv4: ipv4 }: NetworkCreateRequest,
  request: NetworkRequest,
): void {
  if (scope === 'swarm') throw forbidden('cannot create a swarm scoped network when swarm is not active');
  if (ingress) throw forbidden('Ingress network can only be global scope network');
  if (SINGLETONS.includes(driver)) throw forbidden(`only one instance of "${driver}" network is allowed`);
  if (driver === 'macvlan' || driver === 'ipvlan') {
    throw notImplemented(`the network driver ${driver} is not part of this release`, {
      hint: 'Use the driver bridge.',
    });
  }
  if (driver !== '' && driver !== 'bridge') throw notFound(`plugin "${driver}" not found`);
  if (request.ipam.Driver !== 'default') throw notFound(`plugin "${request.ipam.Driver}" not found`);
  if (request.enableIPv6) {
    throw notImplemented('IPv6 on networks is not part of this release', { hint: 'Leave --ipv6 out.' });
  }
  if (ipv4 === false) {
    throw notImplemented('a network without IPv4 is not part of this release', { hint: 'Leave IPv4 enabled.' });
  }
}

function planBridge(
  id: string,
  request: NetworkRequest,
  records: NetworkRecord[],
  { host, settings }: PlanContext,
): BridgeNetwork {
  const link = request.options[BRIDGE_OPTION.name] || `br-${id.slice(0, 12)}`;
  checkLink(id, link, records, host);
  const ours = records.flatMap(({ bridge }) => (bridge ? [parseIpv4Cidr(bridge.subnet)!.block] : []));
  const subnets = checkConfigs(request.ipam.Config ?? []);
  if (subnets.length > 1) throw forbidden("bridge driver doesn't support multiple subnets");
  const [chosen] = subnets;
  const block = chosen?.block ?? chooseSubnet([...ours, ...takenBlocks('', host)], settings.addressPools);
  if (chosen && ours.some((other) => blocksOverlap(other, block))) {
    throw forbidden('Pool overlaps with other one on this address space', {
      hint: 'Choose another subnet: the networks in use are shown by `network inspect`.',
    });
  }
  const { IPRange: range, Gateway: gateway, AuxiliaryAddresses: auxiliary } = chosen?.config ?? {};
  return {
    link,
    subnet: formatBlock(block),
    range: range ? formatBlock(parseIpv4Cidr(range)!.block) : formatBlock(block),
    gateway: gateway ?? firstFree(block, Object.values(auxiliary ?? {})),
    mtu: mtuOption(request.options) ?? settings.mtu ?? defaultMtu(host),
    ...(auxiliary && { reserved: Object.values(auxiliary) }),
  };
}

/** Link names have at most 15 characters (IFNAMSIZ), none of them a slash or a space. */
const LINK_NAME = /^[^\s/:]{1,15}$/;

function checkLink(id: string, link: string, records: NetworkRecord[], host: HostNetwork): void {
  if (!LINK_NAME.test(link) || link === '.' || link === '..') {
    throw invalid(`invalid interface name ${link}`, {
      hint: 'It has at most 15 characters, without spaces and slashes.',
    });
  }
  const owner = records.find(({ bridge }) => bridge?.link === link);
  if (owner) {
    throw forbidden(
      `cannot create network ${id} (${link}): conflicts with network ${owner.id} (${link}): networks have same bridge name`,
    );
  }
  if (host.links.some(({ name }) => name === link)) {
    throw conflict(`the link ${link} exists already`, {
      hint: 'Name one that the engine can make, and remove, itself.',
    });
  }
}

/** The IPv4 subnets asked for; throws `invalid` with all that is wrong with them and what belongs to them. */
function checkConfigs(configs: IPAMConfig[]): { block: Ipv4Block; config: IPAMConfig }[] {
  const found: { block: Ipv4Block; config: IPAMConfig }[] = [];
  const problems: string[] = [];
  for (const config of configs) {
    const subnet = config.Subnet ?? '';
    const cidr = parseIpv4Cidr(subnet);
    if (!cidr) {
      problems.push(
        isIpv6Cidr(subnet)
          ? `IPv6 subnet ${subnet}: not part of this release`
          : `invalid subnet ${subnet}: invalid CIDR block notation`,
      );
      continue;
    }
    const { block } = cidr;
    if (cidr.address !== block.network) problems.push(`invalid subnet ${subnet}: it should be ${formatBlock(block)}`);
    problems.push(...checkParts(config, subnet, block));
    found.push({ block, config });
  }
  if (problems.length === 0) return found;
  const list = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join('\n');
  throw invalid(`invalid network config:\n${list}`);
}

function checkParts(
  { IPRange: range, Gateway: gateway, AuxiliaryAddresses: auxiliary }: IPAMConfig,
  subnet: string,
  block: Ipv4Block,
): string[] {
  const problems: string[] = [];
  const part = range ? parseIpv4Cidr(range)?.block : undefined;
  if (range && !part) problems.push(`invalid ip-range ${range}: invalid CIDR block notation`);
  if (part && (part.prefix < block.prefix || !blockContains(block, part.network))) {
    problems.push(`invalid ip-range ${range}: parent subnet ${subnet} doesn't contain ip-range`);
  }
  const addresses: [what: string, address: string | undefined][] = [
    ['gateway', gateway],
    ...Object.values(auxiliary ?? {}).map((address): [string, string] => ['auxiliary address', address]),
  ];
  for (const [what, address] of addresses) {
    if (!address) continue;
    const number = parseIpv4(address);
    if (number === undefined) problems.push(`invalid ${what} ${address}: invalid address`);
    else if (!blockContains(block, number)) {
      problems.push(`invalid ${what} ${address}: parent subnet ${subnet} doesn't contain this address`);
    }
  }
  return problems;
}

function isIpv6Cidr(text: string): boolean {
  const [address = '', prefix = ''] = text.split('/');
  return parseIp(address)?.length === 16 && /^\d{1,3}$/.test(prefix);
}

function firstFree(block: Ipv4Block, auxiliary: string[]): string {
  const taken = new Set(auxiliary.map(parseIpv4));
  const first = block.prefix < 31 ? block.network + 1 : block.network;
  for (let address = first; address <= lastIpv4(block); address++) if (!taken.has(address)) return formatIpv4(address);
  throw invalid(`the subnet ${formatBlock(block)} has no address left for the gateway`);
}
