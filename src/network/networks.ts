import type { EndpointSettings, Network, NetworkContainer } from '#api/types/network.ts';
import { conflict, describe, invalid, notFound } from '#errors/errors.ts';
import { type Filters, NO_FILTERS } from '#lib/filters.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { type AttachRequest, emptyEndpoint, parseMode } from './attach-request.ts';
import { forwardingIsOn } from './bridge.ts';
import type { BridgeDriver } from './bridge-driver.ts';
import { foreignFirewallWarnings } from './foreign-firewall.ts';
import type { Ipv6Proxy } from './ipv6-proxy.ts';
import { selectNetworks } from './list-filter.ts';
import { type NetworkRecord, toWire } from './network-record.ts';
import { WarmPool } from './pool.ts';
import { isPortKey, type PortHolder, portKey } from './port-holder.ts';
import { isIpv6 } from './published-port.ts';
import { type BareSandbox, listNamespaces, makeBareSandbox, randomId, type Sandbox } from './sandbox.ts';
import type { NetworkSettings } from './settings.ts';

/** A container that ran when the engine started, with its sandbox as the daemon kept it. */
export interface RunningContainer {
  containerId: string;
  name: string;
  sandbox: Sandbox;
}

export interface NetworksParts {
  launcher: Launcher;
  /** The folder of pinned namespaces. */
  folder: string;
  settings: NetworkSettings;
  records: Map<string, NetworkRecord>;
  bridge: BridgeDriver;
  holder: PortHolder;
  ipv6: Ipv6Proxy | undefined;
  log: (message: string) => void;
}

/** Namespaces kept ready for containers without a network. */
const BARE_POOL_SIZE = 2;
const BARE_POOL_IDLE_MS = 25;

/** The networks of this engine and who is in them. Made by `openNetworks`; `reconcile` comes before all else. */
export class Networks {
  readonly #parts: NetworksParts;
  readonly #members = new Map<string, { name: string; sandbox: Sandbox }>();
  readonly #bare: WarmPool<BareSandbox>;

  constructor(parts: NetworksParts) {
    const { launcher, folder, log } = parts;
    this.#parts = parts;
    this.#bare = new WarmPool({
      make: () => makeBareSandbox(launcher, folder),
      discard: ({ netnsPath }) => launcher.deleteNetns(netnsPath),
      size: BARE_POOL_SIZE,
      idleMs: BARE_POOL_IDLE_MS,
      onError: (error) => log(`cannot prepare a network namespace: ${describe(error)}`),
    });
  }

  /**
   * Brings kernel and launcher in line with the containers that run: their addresses, rules and held ports stay, all
   * else that an earlier engine left is swept. Then the pools are filled.
   */
  async reconcile(running: RunningContainer[]): Promise<void> {
    for (const { containerId, name, sandbox } of running) this.#members.set(containerId, { name, sandbox });
    await this.#reconcilePorts();
    await this.#sweepNamespaces();
    await this.#parts.bridge.open(new Map([...this.#members].map(([id, { sandbox }]) => [id, sandbox])));
    this.#bare.fill();
  }

  /**
   * Gives a container that is about to start its network. Throws `not-found` for an unknown network, `invalid` for
   * requests that cannot be, `system` for a port that is taken; nothing is left behind then.
   */
  async attach(request: AttachRequest): Promise<Sandbox> {
    const sandbox = await this.#makeSandbox(request);
    this.#members.set(request.containerId, { name: request.name, sandbox });
    return sandbox;
  }

  /** Gives a stopped container's network back; one that has none is fine. */
  async release(containerId: string): Promise<void> {
    const member = this.#members.get(containerId);
    if (!member) return;
    this.#members.delete(containerId);
    const { sandbox } = member;
    if (sandbox.networks.bridge) await this.#parts.bridge.release(containerId, sandbox);
    else if (ownsNamespace(sandbox)) await this.#parts.launcher.deleteNetns(sandbox.netnsPath);
  }

  /** The network of this name, id or unambiguous start of an id; throws Docker's `network x not found`. */
  resolve(name: string): NetworkRecord {
    const { records } = this.#parts;
    const exact = records.get(name === 'default' ? 'bridge' : name);
    if (exact) return exact;
    const matches = name === '' ? [] : [...records.values()].filter(({ id }) => id.startsWith(name));
    if (matches.length > 1)
      throw invalid(`network ${name} is ambiguous (${matches.length} matches found on ID prefix)`);
    if (!matches[0]) throw notFound(`network ${name} not found`);
    return matches[0];
  }

  /** What `host-gateway` means to containers on every network: the host's address on the default bridge. */
  get hostGateway(): string {
    return this.resolve('bridge').bridge!.gateway;
  }

  /** Those that `filters` select, by name. Throws `invalid` for an unknown filter. */
  list(filters: Filters = NO_FILTERS): Network[] {
    const networks = [...this.#parts.records.values()].map((record) => toWire(record, this.#parts.settings, {}));
    return selectNetworks(networks, filters);
  }

  inspect(name: string): Network {
    const record = this.resolve(name);
    return toWire(record, this.#parts.settings, this.#containersOf(record.name));
  }

  /** What stands in the way of containers' traffic on this host, one line each, for `/info`. */
  async warnings(): Promise<string[]> {
    const { launcher, settings } = this.#parts;
    const [forwarding, foreign] = await Promise.all([
      forwardingIsOn(),
      foreignFirewallWarnings(launcher, settings.bridge),
    ]);
    return forwarding ? foreign : ['IPv4 forwarding is disabled', ...foreign];
  }

  /** Ends this engine's part; running containers keep their network. */
  async close(): Promise<void> {
    this.#parts.ipv6?.shutDown();
    await Promise.all([this.#bare.close(), this.#parts.bridge.close()]);
  }

  async #makeSandbox(request: AttachRequest): Promise<Sandbox> {
    const mode = parseMode(request.mode);
    if (mode.kind === 'container') return this.#joinContainer(mode.containerId);
    const record = this.resolve(mode.name);
    const requested = this.#requestedEndpoint(request, record);
    if (record.driver === 'bridge') return await this.#parts.bridge.attach(request, requested);
    const endpoint: EndpointSettings = { ...emptyEndpoint(record.id, requested), EndpointID: randomId() };
    const networks = { [record.name]: endpoint };
    if (record.driver === 'host') return { id: randomId(), networks, ports: {} };
    return { ...(await this.#bare.take()), networks, ports: {} };
  }

  /** Ports, names and addresses belong to the container whose namespace is shared. */
  #joinContainer(containerId: string): Sandbox {
    const member = this.#members.get(containerId);
    if (!member) throw conflict(`cannot join network of a non running container: ${containerId}`);
    const { netnsPath } = member.sandbox;
    return { id: '', ...(netnsPath === undefined ? {} : { netnsPath }), networks: {}, ports: {} };
  }

  /** A container's endpoints may name only networks that there are. */
  #requestedEndpoint(request: AttachRequest, record: NetworkRecord): Partial<EndpointSettings> {
    const byRecord = Object.entries(request.endpoints ?? {}).map(
      ([name, endpoint]) => [this.resolve(name).name, endpoint] as const,
    );
    return new Map(byRecord).get(record.name) ?? {};
  }

  #containersOf(network: string): Record<string, NetworkContainer> {
    const containers: Record<string, NetworkContainer> = {};
    for (const [containerId, { name, sandbox }] of this.#members) {
      const endpoint = sandbox.networks[network];
      if (!endpoint) continue;
      containers[containerId] = {
        Name: name,
        EndpointID: endpoint.EndpointID,
        MacAddress: endpoint.MacAddress,
        IPv4Address: endpoint.IPAddress === '' ? '' : `${endpoint.IPAddress}/${endpoint.IPPrefixLen}`,
        IPv6Address: '',
      };
    }
    return containers;
  }

  async #reconcilePorts(): Promise<void> {
    const { launcher, holder, bridge, ipv6, log } = this.#parts;
    const held = new Set(await launcher.heldPorts());
    const wanted = new Set<string>();
    for (const [containerId, { name, sandbox }] of this.#members) {
      for (const port of bridge.publishedBy(sandbox)) {
        const key = portKey(containerId, port);
        wanted.add(key);
        if (!isIpv6(port) && held.has(key)) continue;
        await holder
          .holdAgain(containerId, port)
          .catch((error) =>
            log(`cannot hold port ${port.hostPort} of the running container ${name}: ${describe(error)}`),
          );
      }
    }
    const isLeft = (key: string) => isPortKey(key) && !wanted.has(key);
    await Promise.all([...held].filter(isLeft).map((key) => launcher.release(key)));
    await Promise.all([...launcher.kept.keys()].filter(isLeft).map((key) => ipv6?.forget(key)));
  }

  async #sweepNamespaces(): Promise<void> {
    const { launcher, folder } = this.#parts;
    const used = new Set([...this.#members.values()].map(({ sandbox }) => sandbox.netnsPath));
    const left = (await listNamespaces(folder)).filter((path) => !used.has(path));
    await Promise.all(left.map((path) => launcher.deleteNetns(path)));
  }
}

/** Not the host's namespace, nor that of another container. */
function ownsNamespace(sandbox: Sandbox): sandbox is Sandbox & { netnsPath: string } {
  return sandbox.id !== '' && sandbox.netnsPath !== undefined;
}
