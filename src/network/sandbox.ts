import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndpointSettings } from '#api/types/network.ts';
import type { PortMap } from '#api/types/port.ts';
import { formatIpv4 } from '#lib/ip.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type NetlinkMessage, sendNetlink } from '#linux/netlink.ts';
import { addAddress, setDefaultRoute } from '#linux/netlink-address.ts';
import {
  configurePort,
  createVeth,
  deleteLink,
  dumpLinks,
  getLink,
  readLinks,
  setLinkUp,
  withoutLinkLocal,
} from '#linux/netlink-link.ts';

/** A container's network as the daemon keeps it in the container's record: plain JSON, enough to restore it all. */
export interface Sandbox {
  /** 64 hex digits; empty where the container shares somebody's namespace. */
  id: string;
  /** The pinned namespace; absent = the host's. */
  netnsPath?: string;
  /** By network name, as inspect shows them. */
  networks: Record<string, EndpointSettings>;
  /** The names inside of the links to bridges, by network name. */
  interfaces?: Record<string, string>;
  /** The final ones. */
  ports: PortMap;
  /** It is being changed: the kernel may not have followed yet. */
  changing?: boolean;
}

/** A namespace that no container has had yet. */
export interface BareSandbox {
  id: string;
  netnsPath: string;
}

/** One that is also plugged into a bridge, with an address of its own. */
export interface BridgedSandbox extends BareSandbox {
  address: number;
  mac: string;
}

/** What it takes to plug a namespace into a bridge. */
export interface BridgePort {
  bridgeIndex: number;
  mtu: number;
  gateway: string;
  /** Prefix length of the subnet. */
  prefix: number;
  /** Keeps neighbours on the bridge apart (`--icc=false`). */
  isolated: boolean;
  /** Nothing is reached through the gateway. */
  internal: boolean;
}

type NamespaceMaker = Pick<Launcher, 'createNetns' | 'deleteNetns' | 'netlink'>;

export const FIRST_LINK = 'eth0';
/** Link names have at most 15 characters. */
const HOST_LINK_DIGITS = 11;

export function randomId(): string {
  return randomBytes(32).toString('hex');
}

/** A hardware address made from the IP address: whoever gets the address again is known to its neighbours already. */
export function macOf(address: number): string {
  return `02:42:${address
    .toString(16)
    .padStart(8, '0')
    .replaceAll(/..(?=.)/g, '$&:')}`;
}

/** A new pinned namespace with `lo` up. */
export async function makeBareSandbox(launcher: NamespaceMaker, folder: string): Promise<BareSandbox> {
  const id = randomId();
  const netnsPath = join(folder, id.slice(0, 12));
  await launcher.createNetns(netnsPath);
  return { id, netnsPath };
}

/** A new pinned namespace with an `eth0` on the bridge, the address and a default route. */
export async function makeBridgedSandbox(
  launcher: NamespaceMaker,
  folder: string,
  port: BridgePort,
  address: number,
): Promise<BridgedSandbox> {
  const bare = await makeBareSandbox(launcher, folder);
  try {
    const mac = macOf(address);
    await plugIn(launcher, bare.netnsPath, port, { name: FIRST_LINK, address, mac });
    if (!port.internal) await sendNetlink(launcher, [setDefaultRoute(port.gateway)], { netns: bare.netnsPath });
    return { ...bare, address, mac };
  } catch (error) {
    await launcher.deleteNetns(bare.netnsPath);
    throw error;
  }
}

/** Paths of the namespaces pinned in the folder. */
export async function listNamespaces(folder: string): Promise<string[]> {
  return (await readdir(folder)).map((name) => join(folder, name));
}

/**
 * Gives a namespace a link to the bridge, with an address. Hairpin: where br_netfilter is on (dockerd switches it on),
 * the bridge itself hands a container's frames to a port it publishes back to the container.
 */
export async function plugIn(
  launcher: NamespaceMaker,
  netnsPath: string,
  port: BridgePort,
  inside: { name: string; address: number; mac: string },
): Promise<void> {
  const name = `veth${randomId().slice(0, HOST_LINK_DIGITS)}`;
  const { message, descriptorOffset } = createVeth({ name, mtu: port.mtu, master: port.bridgeIndex, peer: inside });
  const messages = [
    message,
    withoutLinkLocal(name),
    configurePort(name, { hairpin: true, isolated: port.isolated }),
    setLinkUp(name),
    getLink(name),
  ];
  const namespaceFd = { path: netnsPath, offset: descriptorOffset };
  const [link] = readLinks(await sendNetlink(launcher, messages, { namespaceFd }));
  await sendNetlink(launcher, addressMessages(link?.peer ?? 0, inside.name, formatIpv4(inside.address), port), {
    netns: netnsPath,
  });
}

/** Takes a link out of a namespace, and with it the other end. */
export async function unplug(launcher: Pick<Launcher, 'netlink'>, netnsPath: string, link: string): Promise<void> {
  await sendNetlink(launcher, [deleteLink(link)], { netns: netnsPath });
}

/** Names of the links to bridges that a namespace has. */
export async function pluggedLinks(launcher: Pick<Launcher, 'netlink'>, netnsPath: string): Promise<string[]> {
  const links = readLinks(await sendNetlink(launcher, [dumpLinks()], { netns: netnsPath }));
  return links.filter(({ kind }) => kind === 'veth').map(({ name }) => name);
}

/** The name of the link that leads to a network. */
export function linkTo({ interfaces }: Sandbox, network: string): string {
  return interfaces?.[network] ?? FIRST_LINK;
}

/** The first name of `eth0`, `eth1`, ... that no link of the sandbox has. */
export function freeLinkName({ interfaces = {} }: Sandbox): string {
  const taken = new Set(Object.values(interfaces));
  for (let number = 0; ; number++) if (!taken.has(`eth${number}`)) return `eth${number}`;
}

function addressMessages(link: number, name: string, address: string, port: BridgePort): NetlinkMessage[] {
  return [withoutLinkLocal(name), setLinkUp(name), addAddress(link, address, port.prefix)];
}
