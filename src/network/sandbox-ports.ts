import { gatewayNetwork } from './gateway.ts';
import { fromPortMap, type PublishedPort } from './published-port.ts';
import type { Sandbox } from './sandbox.ts';

/** The ports of the host that lead to a container. */
export function publishedPorts(sandbox: Sandbox): PublishedPort[] {
  const address = gatewayNetwork(sandbox)?.[1].IPAddress;
  return address ? fromPortMap(sandbox.ports, address) : [];
}
