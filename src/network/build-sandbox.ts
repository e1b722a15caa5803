import type { EndpointSettings } from '#api/types/network.ts';
import { type AttachRequest, canonicalMac, emptyEndpoint, wantedEndpoints } from './attach-request.ts';
import type { BridgeDriver } from './bridge-driver.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { withNames } from './endpoint-names.ts';
import { gatewayNetwork, routeBy } from './gateway.ts';
import type { NetworkRecord } from './network-record.ts';
import type { NetworksParts } from './parts.ts';
import { requestedPorts } from './port-requests.ts';
import { type PublishedPort, toPortMap } from './published-port.ts';
import { type BareSandbox, freeLinkName, randomId, type Sandbox } from './sandbox.ts';

type Parts = Pick<NetworksParts, 'launcher' | 'registry' | 'publisher'>;

export interface Supplies {
  /** A namespace without a network. */
  bare(): Promise<BareSandbox>;
  /** Keeps a network from being removed meanwhile. */
  joining<T>(record: NetworkRecord, work: () => Promise<T>): Promise<T>;
}

/** Makes the network of a container that is about to start, whole or not at all. */
export async function makeSandbox(parts: Parts, request: AttachRequest, supplies: Supplies): Promise<Sandbox> {
  const wanted = wantedEndpoints(request, (name) => parts.registry.resolve(name));
  for (const { record, settings } of wanted) checkEndpoint(record, settings);
  const bridged = wanted.filter(({ record }) => record.driver === 'bridge');
  if (bridged.length > 0) {
    const join = ([next, ...rest]: Wanted[]): Promise<Sandbox> =>
      next ? supplies.joining(next.record, () => join(rest)) : plugInEverywhere(parts, request, bridged);
    return await join(bridged);
  }
  const [lone] = wanted;
  const networks = lone
    ? { [lone.record.name]: { ...emptyEndpoint(lone.record.id, lone.settings), EndpointID: randomId() } }
    : {};
  if (lone?.record.driver === 'host') return { id: randomId(), networks, ports: {} };
  return { ...(await supplies.bare()), networks, ports: {} };
}

interface Wanted {
  record: NetworkRecord;
  settings: Partial<EndpointSettings>;
}

/** The first network prepares the namespace, the others are added to it. */
async function plugInEverywhere(parts: Parts, request: AttachRequest, wanted: Wanted[]): Promise<Sandbox> {
  const { launcher, registry, publisher } = parts;
  const { containerId, exposedPorts = [] } = request;
  const [first, ...others] = wanted as [Wanted, ...Wanted[]];
  const requests = requestedPorts(request);
  const firstMac = canonicalMac(first.settings.MacAddress || request.macAddress);
  const driver = registry.driver(first.record);
  const taken: [BridgeDriver, EndpointSettings][] = [];
  const { id, netnsPath, endpoint } = await driver.makeSandbox({ settings: first.settings, mac: firstMac });
  taken.push([driver, endpoint]);
  const sandbox: Sandbox & { netnsPath: string; interfaces: Record<string, string> } = {
    id,
    netnsPath,
    networks: { [first.record.name]: withNames(endpoint, first.record, request) },
    interfaces: {},
    ports: {},
  };
  sandbox.interfaces[first.record.name] = freeLinkName(sandbox);
  let held: PublishedPort[] = [];
  try {
    for (const { record, settings } of others) {
      const next = registry.driver(record);
      const more = next.reserve({ settings, mac: canonicalMac(settings.MacAddress) });
      taken.push([next, more]);
      const name = freeLinkName(sandbox);
      await next.plugIn(netnsPath, name, more);
      sandbox.networks[record.name] = withNames(more, record, request);
      sandbox.interfaces[record.name] = name;
    }
    const gateway = gatewayNetwork(sandbox);
    if (others.length > 0) await routeBy(launcher, sandbox);
    if (gateway && requests.length > 0) {
      const owner = { containerId, name: request.name, endpointId: gateway[1].EndpointID };
      const { publishAddress } = registry.driverNamed(gateway[0])!.traits;
      held = await publisher.publish(owner, requests, { containerAddress: gateway[1].IPAddress, publishAddress });
    }
  } catch (error) {
    await launcher.deleteNetns(netnsPath);
    for (const [owner, given] of taken) owner.release(given);
    throw error;
  }
  return { ...sandbox, ports: toPortMap(held, exposedPorts) };
}
