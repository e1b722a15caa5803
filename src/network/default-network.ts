import { invalid } from '#errors/errors.ts';
import {
  blockContains,
  blocksOverlap,
  formatBlock,
  formatIpv4,
  type Ipv4Block,
  ipv4Block,
  parseIpv4,
  parseIpv4Cidr,
} from '#lib/ip.ts';
import type { HostNetwork } from './host-network.ts';
import { chooseSubnet } from './ipam.ts';
import type { NetworkSettings } from './settings.ts';

/** Where a bridge network lives: its link and its addresses. Plain data, kept as JSON in the network's record. */
export interface BridgeNetwork {
  link: string;
  /** CIDR */
  subnet: string;
  /** CIDR within the subnet from which addresses are handed out. */
  range: string;
  /** Address of the bridge itself, the containers' way out. */
  gateway: string;
  mtu: number;
  /** Addresses that no container gets. */
  reserved?: string[];
}

const LARGEST_MTU = 1500;

/**
 * The default network as it shall be now: what the configuration says; else what the link has already (containers may
 * live on it); else where it was last time; else a block that collides with nothing on this host.
 * Throws `invalid` for a configuration that cannot be.
 */
export function planDefaultNetwork(
  settings: NetworkSettings,
  host: HostNetwork,
  stored: BridgeNetwork | undefined,
): BridgeNetwork {
  const taken = takenBlocks(settings.bridge, host);
  const address = configuredAddress(settings) ?? existingAddress(settings.bridge, host) ?? storedAddress(stored, taken);
  const { gateway, block } = address ?? firstAddress(chooseSubnet(taken, settings.addressPools));
  return {
    link: settings.bridge,
    subnet: formatBlock(block),
    range: formatBlock(configuredRange(settings, block) ?? block),
    gateway: formatIpv4(gateway),
    mtu: settings.mtu ?? defaultMtu(host),
  };
}

interface BridgeAddress {
  gateway: number;
  block: Ipv4Block;
}

function configuredAddress({ bip }: NetworkSettings): BridgeAddress | undefined {
  if (bip === undefined) return undefined;
  const cidr = parseIpv4Cidr(bip);
  if (!cidr || cidr.block.prefix > 30 || cidr.address === cidr.block.network) {
    throw invalid(`invalid bridge address '${bip}': it must be an address with a prefix length of at most 30`, {
      hint: 'For example --bip=172.17.0.1/16.',
    });
  }
  return { gateway: cidr.address, block: cidr.block };
}

function configuredRange({ fixedCidr }: NetworkSettings, subnet: Ipv4Block): Ipv4Block | undefined {
  if (fixedCidr === undefined) return undefined;
  const block = parseIpv4Cidr(fixedCidr)?.block;
  if (!block || block.prefix < subnet.prefix || !blockContains(subnet, block.network)) {
    throw invalid(`the range '${fixedCidr}' is not within the subnet ${formatBlock(subnet)} of the default bridge`, {
      hint: 'Give --fixed-cidr a part of the subnet that --bip names.',
    });
  }
  return block;
}

function existingAddress(name: string, host: HostNetwork): BridgeAddress | undefined {
  const link = host.links.find((candidate) => candidate.name === name);
  const found = host.addresses.find(
    ({ link: index, address }) => index === link?.index && parseIpv4(address) !== undefined,
  );
  if (!found || found.prefix > 30) return undefined;
  const gateway = parseIpv4(found.address)!;
  return { gateway, block: ipv4Block(gateway, found.prefix) };
}

function storedAddress(stored: BridgeNetwork | undefined, taken: Ipv4Block[]): BridgeAddress | undefined {
  const block = stored && parseIpv4Cidr(stored.subnet)?.block;
  if (!block || taken.some((other) => blocksOverlap(other, block))) return undefined;
  return { gateway: parseIpv4(stored.gateway)!, block };
}

function firstAddress(block: Ipv4Block): BridgeAddress {
  return { gateway: block.network + 1, block };
}

/** Every block that the host routes to or has addresses in, and the name servers it asks, other than by this bridge. */
export function takenBlocks(bridge: string, host: HostNetwork): Ipv4Block[] {
  const own = host.links.find(({ name }) => name === bridge)?.index;
  const blocks: Ipv4Block[] = [];
  const take = (text: string | undefined, prefix: number) => {
    const address = text === undefined ? undefined : parseIpv4(text);
    if (address !== undefined && prefix > 0) blocks.push(ipv4Block(address, prefix));
  };
  for (const { link, address, prefix } of host.addresses) if (link !== own) take(address, prefix);
  for (const { link, destination, prefix } of host.routes) if (link !== own) take(destination, prefix);
  for (const server of host.nameservers) take(server, 32);
  return blocks;
}

/** That of the link of the default route, in bytes; larger ones do not get through everywhere. */
export function defaultMtu(host: HostNetwork): number {
  const route = host.routes.find(({ destination, gateway }) => destination === undefined && gateway !== undefined);
  const mtu = host.links.find(({ index }) => index === route?.link)?.mtu;
  return Math.min(LARGEST_MTU, mtu ?? LARGEST_MTU);
}
