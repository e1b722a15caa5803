import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndpointSettings } from '#api/types/network.ts';
import type { PortMap } from '#api/types/port.ts';
import { formatIpv4 } from '#lib/ip.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type NetlinkMessage, sendNetlink } from '#linux/netlink.ts';
import { addAddress, addDefaultRoute } from '#linux/netlink-address.ts';
import { configurePort, createVeth, getLink, readLinks, setLinkUp, withoutLinkLocal } from '#linux/netlink-link.ts';
import type { AddressAllocator } from './ipam.ts';

/** A container's network as the daemon keeps it in the container's record: plain JSON, enough to restore it all. */
export interface Sandbox {
  /** 64 hex digits; empty where the container shares somebody's namespace. */
  id: string;
  /** The pinned namespace; absent = the host's. */
  netnsPath?: string;
  /** By network name, as inspect shows them. */
  networks: Record<string, EndpointSettings>;
  /** The final ones. */
  ports: PortMap;
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
}

type NamespaceMaker = Pick<Launcher, 'createNetns' | 'deleteNetns' | 'netlink'>;

export const CONTAINER_LINK = 'eth0';
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

/** A new pinned namespace with an `eth0` on the bridge, an address and a default route. */
export async function makeBridgedSandbox(
  launcher: NamespaceMaker,
  folder: string,
  port: BridgePort,
  allocator: AddressAllocator,
): Promise<BridgedSandbox> {
  const address = allocator.allocate();
  let bare: BareSandbox | undefined;
  try {
    bare = await makeBareSandbox(launcher, folder);
    const mac = macOf(address);
    const link = await plugIn(launcher, bare, port, mac);
    await sendNetlink(launcher, addressMessages(link, formatIpv4(address), port), { netns: bare.netnsPath });
    return { ...bare, address, mac };
  } catch (error) {
    allocator.release(address);
    if (bare) await launcher.deleteNetns(bare.netnsPath);
    throw error;
  }
}

/** Paths of the namespaces pinned in the folder. */
export async function listNamespaces(folder: string): Promise<string[]> {
  return (await readdir(folder)).map((name) => join(folder, name));
}

/**
 * Makes the veth pair; gives the index of its end in the namespace. Hairpin: where br_netfilter is on (dockerd
 * switches it on), the bridge itself hands a container's frames to a port it publishes back to the container.
 */
async function plugIn(launcher: NamespaceMaker, bare: BareSandbox, port: BridgePort, mac: string): Promise<number> {
  const name = `veth${bare.id.slice(0, HOST_LINK_DIGITS)}`;
  const peer = { name: CONTAINER_LINK, mac };
  const { message, descriptorOffset } = createVeth({ name, mtu: port.mtu, master: port.bridgeIndex, peer });
  const messages = [
    message,
    withoutLinkLocal(name),
    configurePort(name, { hairpin: true, isolated: port.isolated }),
    setLinkUp(name),
    getLink(name),
  ];
  const namespaceFd = { path: bare.netnsPath, offset: descriptorOffset };
  const [link] = readLinks(await sendNetlink(launcher, messages, { namespaceFd }));
  return link?.peer ?? 0;
}

function addressMessages(link: number, address: string, port: BridgePort): NetlinkMessage[] {
  return [
    withoutLinkLocal(CONTAINER_LINK),
    setLinkUp(CONTAINER_LINK),
    addAddress(link, address, port.prefix),
    addDefaultRoute(port.gateway),
  ];
}
