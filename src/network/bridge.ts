import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { conflict, describe, errnoCode, system } from '#errors/errors.ts';
import { parseIpv4, parseIpv4Cidr } from '#lib/ip.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type NetlinkMessage, sendNetlink } from '#linux/netlink.ts';
import { addAddress, deleteAddress } from '#linux/netlink-address.ts';
import { createBridge, getLink, type Link, readLinks, setLinkUp, setMtu } from '#linux/netlink-link.ts';
import type { BridgeTraits } from './bridge-traits.ts';
import type { BridgeNetwork } from './default-network.ts';
import type { HostNetwork } from './host-network.ts';

/**
 * Makes the link of a bridge network be as planned, changing only what differs, and gives the link's index.
 * Throws `conflict` when the name belongs to a link that is no bridge.
 */
export async function ensureBridge(
  launcher: Pick<Launcher, 'netlink'>,
  network: BridgeNetwork,
  { icc }: Pick<BridgeTraits, 'icc'>,
  host: HostNetwork,
): Promise<{ index: number }> {
  const existing = host.links.find(({ name }) => name === network.link);
  if (existing && existing.kind !== 'bridge') {
    throw conflict(`the link ${network.link} exists and is no bridge`, {
      hint: 'Remove it, or name another one with --bridge.',
    });
  }
  const link = existing ?? (await makeBridge(launcher, network));
  const changes = bridgeChanges(network, link, host);
  if (changes.length > 0) await sendNetlink(launcher, changes);
  await setSysctl(`conf/${network.link}/route_localnet`, '1');
  await routeNeighbours(network.link, !icc);
  return { index: link.index };
}

/**
 * Whether the host answers, at once, for every container on a bridge whose ports are isolated (private VLAN, RFC 3069):
 * their packets to each other then come to the host, where rules decide.
 */
async function routeNeighbours(link: string, wanted: boolean): Promise<void> {
  await setSysctl(`conf/${link}/proxy_arp_pvlan`, wanted ? '1' : '0');
  if (wanted) await setSysctl(`neigh/${link}/proxy_delay`, '0');
}

/** Lets the kernel route between links. Gives true when it was off. */
export async function ensureForwarding(): Promise<boolean> {
  return await setSysctl('ip_forward', '1');
}

export async function forwardingIsOn(): Promise<boolean> {
  return (await readFile(sysctlPath('ip_forward'), 'utf8')).trim() === '1';
}

async function makeBridge(launcher: Pick<Launcher, 'netlink'>, { link, mtu }: BridgeNetwork): Promise<Link> {
  const mac = `02:42:${randomBytes(4)
    .toString('hex')
    .replaceAll(/..(?=.)/g, '$&:')}`;
  const [made] = readLinks(await sendNetlink(launcher, [createBridge(link, { mtu, mac }), getLink(link)]));
  if (!made) throw system(`cannot find the bridge ${link} that was just made`);
  return made;
}

function bridgeChanges(network: BridgeNetwork, link: Link, host: HostNetwork): NetlinkMessage[] {
  const changes: NetlinkMessage[] = [];
  const { prefix } = parseIpv4Cidr(network.subnet)!.block;
  const current = host.addresses.filter(
    ({ link: index, address }) => index === link.index && parseIpv4(address) !== undefined,
  );
  const isPlanned = (entry: { address: string; prefix: number }) =>
    entry.address === network.gateway && entry.prefix === prefix;
  for (const entry of current) {
    if (!isPlanned(entry)) changes.push(deleteAddress(link.index, entry.address, entry.prefix));
  }
  if (!current.some(isPlanned)) changes.push(addAddress(link.index, network.gateway, prefix));
  if (link.mtu !== network.mtu) changes.push(setMtu(network.link, network.mtu));
  if (!link.up) changes.push(setLinkUp(network.link));
  return changes;
}

/** Writes a value below /proc/sys/net/ipv4 of the engine's own namespace unless it is there. Gives true when it wrote. */
async function setSysctl(name: string, value: string): Promise<boolean> {
  const path = sysctlPath(name);
  try {
    if ((await readFile(path, 'utf8')).trim() === value) return false;
    await writeFile(path, value);
    return true;
  } catch (error) {
    throw system(`cannot set ${path} to ${value}: ${describe(error)}`, { code: errnoCode(error), cause: error });
  }
}

function sysctlPath(name: string): string {
  return `/proc/sys/net/ipv4/${name}`;
}
