import type { EndpointSettings } from '#api/types/network.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { sendNetlink } from '#linux/netlink.ts';
import { deleteDefaultRoute, setDefaultRoute } from '#linux/netlink-address.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * The network through which a container reaches the world, and is reached on published ports: the one with the highest
 * priority, of equals the first by name; undefined when none has a gateway.
 */
export function gatewayNetwork({
  networks,
}: Pick<Sandbox, 'networks'>): [name: string, endpoint: EndpointSettings] | undefined {
  const candidates = Object.entries(networks).filter(([, { Gateway }]) => Gateway !== '');
  const [first] = candidates.sort(([nameA, a], [nameB, b]) => b.GwPriority - a.GwPriority || (nameA < nameB ? -1 : 1));
  return first;
}

/** Gives a namespace its default route, or takes it away where no network of the sandbox has a gateway. */
export async function routeBy(launcher: Pick<Launcher, 'netlink'>, sandbox: Sandbox): Promise<void> {
  const gateway = gatewayNetwork(sandbox)?.[1].Gateway;
  const message = gateway ? setDefaultRoute(gateway) : deleteDefaultRoute(4);
  await sendNetlink(launcher, [message], { netns: sandbox.netnsPath });
}
