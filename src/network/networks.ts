import type { EndpointSettings, Network, NetworkContainer, NetworkCreateRequest } from '#api/types/network.ts';
import { conflict, describe, forbidden } from '#errors/errors.ts';
import { type Filters, NO_FILTERS } from '#lib/filters.ts';
import { Mutex } from '#lib/locks.ts';
import { type AttachRequest, type PortWishes, parseMode } from './attach-request.ts';
import { forwardingIsOn } from './bridge.ts';
import { makeSandbox } from './build-sandbox.ts';
import { foreignFirewallWarnings } from './foreign-firewall.ts';
import { selectNetworks } from './list-filter.ts';
import { type NetworkRecord, toWire } from './network-record.ts';
import type { KeepSandbox, Member, NetworksParts } from './parts.ts';
import { WarmPool } from './pool.ts';
import { reconcileKernel } from './reconcile.ts';
import { rewire } from './rewire.ts';
import type { LinkedPort } from './ruleset.ts';
import { type BareSandbox, makeBareSandbox, type Sandbox } from './sandbox.ts';
import { publishedPorts } from './sandbox-ports.ts';

/** A container that ran when the engine started, with its sandbox as the daemon kept it. */
export interface RunningContainer {
  containerId: string;
  name: string;
  sandbox: Sandbox;
  ports?: PortWishes;
  names?: string[];
}

/** Namespaces kept ready for containers without a network. */
const BARE_POOL_SIZE = 2;
const BARE_POOL_IDLE_MS = 25;

/** The networks of this engine and who is in them. Made by `openNetworks`; `reconcile` comes before all else. */
export class Networks {
  readonly #parts: NetworksParts;
  readonly #members = new Map<string, Member>();
  /** Networks, by id, that a container is just being brought onto: how many. */
  readonly #joining = new Map<string, number>();
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
  async reconcile(running: RunningContainer[], links: LinkedPort[] = []): Promise<void> {
    for (const { containerId, name, sandbox, ports = {}, names = [] } of running) {
      this.#members.set(containerId, { name, sandbox, ports, names, lock: new Mutex() });
    }
    await reconcileKernel(this.#parts, this.#members, links);
    for (const driver of this.#parts.registry.drivers) driver.fill();
    this.#bare.fill();
  }

  /**
   * Gives a container that is about to start its network. Throws `not-found` for an unknown network, `invalid` for
   * requests that cannot be, `system` for a port that is taken; nothing is left behind then.
   */
  async attach(request: AttachRequest): Promise<Sandbox> {
    const mode = parseMode(request.mode);
    if (mode.kind === 'container') return this.#joinContainer(mode.containerId);
    const sandbox = await makeSandbox(this.#parts, request, {
      bare: () => this.#bare.take(),
      joining: (record, work) => this.#join(record, work),
    });
    const { containerId, name, names = [], exposedPorts, portBindings, publishAll } = request;
    const ports = { exposedPorts, portBindings, publishAll };
    this.#members.set(containerId, { name, sandbox, ports, names, lock: new Mutex() });
    return sandbox;
  }

  /** A container has ended: its neighbours are to forget it. Its network is its own until `release`. */
  leave(containerId: string): void {
    const member = this.#members.get(containerId);
    if (member) member.ended = true;
  }

  /** Gives a stopped container's network back; one that has none is fine. */
  async release(containerId: string): Promise<void> {
    const member = this.#members.get(containerId);
    if (!member) return;
    this.#members.delete(containerId);
    await member.lock.run(async () => {
      const { launcher, publisher, registry } = this.#parts;
      const { sandbox } = member;
      await publisher.withdraw(containerId, publishedPorts(sandbox));
      if (ownsNamespace(sandbox)) await launcher.deleteNetns(sandbox.netnsPath);
      for (const [name, endpoint] of Object.entries(sandbox.networks)) registry.driverNamed(name)?.release(endpoint);
    });
  }

  /**
   * Brings a running container onto one more network. `keep` is called before the kernel is changed, and again when all
   * is done. Throws `forbidden` when it is there already, else as `attach`.
   */
  async connect(
    containerId: string,
    record: NetworkRecord,
    settings: Partial<EndpointSettings>,
    keep: KeepSandbox,
  ): Promise<void> {
    const member = this.#member(containerId);
    if (member.sandbox.networks[record.name]) {
      throw forbidden(`endpoint with name ${member.name} already exists in network ${record.name}`);
    }
    const change = { add: record, settings };
    await this.#join(record, () => member.lock.run(() => rewire(this.#parts, { containerId, member }, change, keep)));
  }

  /** Takes a running container off a network that it is on; `keep` as for `connect`. */
  async disconnect(containerId: string, name: string, keep: KeepSandbox): Promise<void> {
    const member = this.#member(containerId);
    await member.lock.run(() => rewire(this.#parts, { containerId, member }, { remove: name }, keep));
  }

  /** The ways between neighbours of the default bridge that are open although `icc` is off; without that all are. */
  async setLinks(links: LinkedPort[]): Promise<void> {
    await this.#parts.firewall.setLinks(links);
  }

  /** Whether the containers of the default bridge reach each other anyway. */
  get icc(): boolean {
    return this.#parts.settings.icc;
  }

  /** The sandbox of a container that has its own network now. */
  sandboxOf(containerId: string): Sandbox | undefined {
    return this.#members.get(containerId)?.sandbox;
  }

  /** Throws as `NetworkRegistry.resolve`. */
  resolve(name: string): NetworkRecord {
    return this.#parts.registry.resolve(name);
  }

  create(asked: NetworkCreateRequest): Promise<NetworkRecord> {
    return this.#parts.registry.create(asked);
  }

  remove(name: string): Promise<NetworkRecord> {
    return this.#parts.registry.remove(name, (record) => this.isUsed(record));
  }

  /** Whether a container with a network is on it, or just coming. */
  isUsed({ id, name }: NetworkRecord): boolean {
    return this.#joining.has(id) || [...this.#members.values()].some(({ sandbox }) => sandbox.networks[name]);
  }

  /** Who is on a network now. */
  membersOf(name: string): { containerId: string; member: Member; endpoint: EndpointSettings }[] {
    return [...this.#members].flatMap(([containerId, member]) => {
      const endpoint = member.sandbox.networks[name];
      return endpoint && !member.ended ? [{ containerId, member, endpoint }] : [];
    });
  }

  /** A container is called otherwise from now on, by its neighbours too. Gives its sandbox when it has one. */
  rename(containerId: string, name: string): Sandbox | undefined {
    const member = this.#members.get(containerId);
    if (!member) return undefined;
    const called = (names: string[]) => names.map((one) => (one === member.name ? name : one));
    const networks = Object.entries(member.sandbox.networks).map(([network, endpoint]) => [
      network,
      endpoint.DNSNames ? { ...endpoint, DNSNames: called(endpoint.DNSNames) } : endpoint,
    ]);
    member.sandbox = { ...member.sandbox, networks: Object.fromEntries(networks) };
    member.name = name;
    return member.sandbox;
  }

  /** What `host-gateway` means to containers on every network: the host's address on the default bridge. */
  get hostGateway(): string {
    return this.resolve('bridge').bridge!.gateway;
  }

  /** Those that `filters` select, by name. Throws `invalid` for an unknown filter. `inUse` are names of networks. */
  list(filters: Filters = NO_FILTERS, inUse: ReadonlySet<string> = new Set()): Network[] {
    const networks = this.#parts.registry.records.map((record) => toWire(record, this.#parts.settings, {}));
    return selectNetworks(networks, filters, inUse);
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
    await this.#parts.firewall.close();
    await Promise.all([this.#bare.close(), this.#parts.registry.close()]);
  }

  /** Ports, names and addresses belong to the container whose namespace is shared. */
  #joinContainer(containerId: string): Sandbox {
    const { netnsPath } = this.#member(containerId).sandbox;
    return { id: '', ...(netnsPath === undefined ? {} : { netnsPath }), networks: {}, ports: {} };
  }

  #member(containerId: string): Member {
    const member = this.#members.get(containerId);
    if (!member) throw conflict(`cannot join network of a non running container: ${containerId}`);
    return member;
  }

  /** While `work` goes on, the network is in use. */
  async #join<T>({ id }: NetworkRecord, work: () => Promise<T>): Promise<T> {
    this.#joining.set(id, (this.#joining.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = this.#joining.get(id)! - 1;
      if (left > 0) this.#joining.set(id, left);
      else this.#joining.delete(id);
    }
  }

  #containersOf(network: string): Record<string, NetworkContainer> {
    const entries = this.membersOf(network).map(({ containerId, member, endpoint }) => {
      const container: NetworkContainer = {
        Name: member.name,
        EndpointID: endpoint.EndpointID,
        MacAddress: endpoint.MacAddress,
        IPv4Address: endpoint.IPAddress === '' ? '' : `${endpoint.IPAddress}/${endpoint.IPPrefixLen}`,
        IPv6Address: '',
      };
      return [containerId, container] as const;
    });
    return Object.fromEntries(entries);
  }
}

/** Not the host's namespace, nor that of another container. */
function ownsNamespace(sandbox: Sandbox): sandbox is Sandbox & { netnsPath: string } {
  return sandbox.id !== '' && sandbox.netnsPath !== undefined;
}
