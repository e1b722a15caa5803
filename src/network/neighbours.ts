import type { Networks } from './networks.ts';
import type { Member } from './parts.ts';

/** One line for `/etc/hosts`: an address of a neighbour, the names it goes by, the network it is on. */
export interface Neighbour {
  address: string;
  names: string[];
  network: string;
}

/**
 * Whom a container knows by name: everybody on its user-defined networks, itself too, and by further names those it has
 * links to (`web:alias`) there.
 */
export function neighboursOf(networks: Pick<Networks, 'membersOf' | 'sandboxOf'>, containerId: string): Neighbour[] {
  const own = networks.sandboxOf(containerId)?.networks ?? {};
  return Object.entries(own).flatMap(([network, { DNSNames, Links }]) => {
    if (!DNSNames) return [];
    return networks.membersOf(network).flatMap(({ containerId: id, member, endpoint }) => {
      const names = [...(endpoint.DNSNames ?? []), ...linkNames(Links ?? [], id, member)];
      const addresses = [endpoint.IPAddress, endpoint.GlobalIPv6Address].filter((address) => address !== '');
      return addresses.map((address) => ({ address, names: [...new Set(names)], network }));
    });
  });
}

/** The names that links give to a container; a link names it by its name or id. */
function linkNames(links: string[], containerId: string, { name }: Member): string[] {
  return links.flatMap((link) => {
    const [target = '', alias = target] = link.split(':');
    const meant = target.replace(/^\//, '') === name || (target.length >= 12 && containerId.startsWith(target));
    return meant ? [alias] : [];
  });
}
