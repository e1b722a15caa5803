import type { EndpointSettings } from '#api/types/network.ts';
import { fault } from '#lib/write-steps.ts';
import { canonicalMac } from './attach-request.ts';
import { withNames } from './endpoint-names.ts';
import { gatewayNetwork, routeBy } from './gateway.ts';
import type { NetworkRecord } from './network-record.ts';
import type { KeepSandbox, Member, NetworksParts } from './parts.ts';
import { requestedPorts } from './port-requests.ts';
import { toPortMap } from './published-port.ts';
import { freeLinkName, linkTo, pluggedLinks, type Sandbox, unplug } from './sandbox.ts';
import { publishedPorts } from './sandbox-ports.ts';

type Parts = Pick<NetworksParts, 'launcher' | 'registry' | 'publisher'>;

export type Change = { add: NetworkRecord; settings: Partial<EndpointSettings> } | { remove: string };

/**
 * Changes the networks of a running container. What it shall be is kept, marked as under way, before the kernel is made
 * to follow: a killed engine's successor finishes it (`finishRewiring`). A change that fails is undone.
 */
export async function rewire(
  parts: Parts,
  { containerId, member }: { containerId: string; member: Member },
  change: Change,
  keep: KeepSandbox,
): Promise<void> {
  const before = member.sandbox;
  const after =
    'add' in change ? withEndpoint(parts, containerId, member, change) : withoutEndpoint(before, change.remove);
  try {
    await keep({ ...after, changing: true });
    fault('network.rewire.kept');
    await followKernel(parts, before, after);
    fault('network.rewire.wired');
    after.ports = await movePorts(parts, containerId, member, after);
  } catch (error) {
    await followKernel(parts, after, before).catch(() => {});
    if ('add' in change) release(parts, change.add.name, after);
    await keep(before);
    throw error;
  }
  member.sandbox = after;
  if ('remove' in change) release(parts, change.remove, before);
  await keep(after);
}

/** Makes the kernel have the links of a sandbox whose change was interrupted, and no others. */
export async function finishRewiring(parts: Parts, sandbox: Sandbox): Promise<void> {
  const { launcher, registry } = parts;
  const present = new Set(await pluggedLinks(launcher, sandbox.netnsPath!));
  const wanted = new Map(Object.entries(sandbox.networks).map(([name]) => [linkTo(sandbox, name), name]));
  for (const link of present) if (!wanted.has(link)) await unplug(launcher, sandbox.netnsPath!, link);
  for (const [link, name] of wanted) {
    if (!present.has(link)) await registry.driverNamed(name)?.plugIn(sandbox.netnsPath!, link, sandbox.networks[name]!);
  }
  await routeBy(launcher, sandbox);
  delete sandbox.changing;
}

function withEndpoint(
  { registry }: Parts,
  containerId: string,
  { name, names, sandbox }: Member,
  { add, settings }: { add: NetworkRecord; settings: Partial<EndpointSettings> },
): Sandbox {
  const reserved = registry.driver(add).reserve({ settings, mac: canonicalMac(settings.MacAddress) });
  const endpoint = withNames(reserved, add, { containerId, name, names });
  return {
    ...sandbox,
    networks: { ...sandbox.networks, [add.name]: endpoint },
    interfaces: { ...sandbox.interfaces, [add.name]: freeLinkName(sandbox) },
  };
}

function withoutEndpoint(sandbox: Sandbox, network: string): Sandbox {
  const { [network]: _, ...networks } = sandbox.networks;
  const { [network]: __, ...interfaces } = sandbox.interfaces ?? {};
  return { ...sandbox, networks, interfaces };
}

async function followKernel({ launcher, registry }: Parts, before: Sandbox, after: Sandbox): Promise<void> {
  const netnsPath = before.netnsPath!;
  for (const name of Object.keys(before.networks)) {
    if (!after.networks[name] && registry.driverNamed(name)) await unplug(launcher, netnsPath, linkTo(before, name));
  }
  for (const [name, endpoint] of Object.entries(after.networks)) {
    if (!before.networks[name]) await registry.driverNamed(name)!.plugIn(netnsPath, linkTo(after, name), endpoint);
  }
  await routeBy(launcher, after);
}

/** Published ports follow the gateway: to another address, or they come or go with the first or last one. */
async function movePorts(
  { publisher, registry }: Parts,
  containerId: string,
  { name, ports, sandbox: before }: Member,
  after: Sandbox,
): Promise<Sandbox['ports']> {
  const gateway = gatewayNetwork(after);
  const published = publishedPorts(before);
  if (gateway?.[1].EndpointID === gatewayNetwork(before)?.[1].EndpointID) return before.ports;
  if (!gateway) {
    await publisher.withdraw(containerId, published);
    return toPortMap([], ports.exposedPorts ?? []);
  }
  const [network, { EndpointID: endpointId, IPAddress: containerAddress }] = gateway;
  if (published.length > 0) {
    await publisher.move(containerId, published, containerAddress);
    return before.ports;
  }
  const requests = requestedPorts(ports);
  if (requests.length === 0) return before.ports;
  const { publishAddress } = registry.driverNamed(network)!.traits;
  const owner = { containerId, name, endpointId };
  const held = await publisher.publish(owner, requests, { containerAddress, publishAddress });
  return toPortMap(held, ports.exposedPorts ?? []);
}

function release({ registry }: Parts, network: string, { networks }: Sandbox): void {
  registry.driverNamed(network)?.release(networks[network]!);
}
