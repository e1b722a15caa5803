import { readFile } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { sendNetlink } from '#linux/netlink.ts';
import {
  dumpAddresses,
  dumpRoutes,
  type LinkAddress,
  type Route,
  readAddresses,
  readRoutes,
} from '#linux/netlink-address.ts';
import { dumpLinks, type Link, readLinks } from '#linux/netlink-link.ts';
import { parseResolvConf } from './resolv-conf.ts';

/** What the engine's own namespace looks like, as far as networks must fit into it. */
export interface HostNetwork {
  links: Link[];
  addresses: LinkAddress[];
  routes: Route[];
  nameservers: string[];
}

/** One request each: the kernel answers only one listing at a time on a socket. */
export async function readHostNetwork(launcher: Pick<Launcher, 'netlink'>): Promise<HostNetwork> {
  const [links, addresses, routes, resolvConf] = await Promise.all([
    sendNetlink(launcher, [dumpLinks()]),
    sendNetlink(launcher, [dumpAddresses()]),
    sendNetlink(launcher, [dumpRoutes()]),
    readHostResolvConf(),
  ]);
  return {
    links: readLinks(links),
    addresses: readAddresses(addresses),
    routes: readRoutes(routes),
    nameservers: parseResolvConf(resolvConf).nameservers,
  };
}

const STUB_RESOLVER = '127.0.0.53';

/**
 * The host's resolv.conf; where that names only systemd's stub on this host's loopback, the file with the servers
 * behind the stub. Empty when there is none.
 */
export async function readHostResolvConf(): Promise<string> {
  const text = await readIfThere('/etc/resolv.conf');
  const { nameservers } = parseResolvConf(text);
  if (nameservers.length !== 1 || nameservers[0] !== STUB_RESOLVER) return text;
  return (await readIfThere('/run/systemd/resolve/resolv.conf')) || text;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return '';
    throw error;
  }
}
