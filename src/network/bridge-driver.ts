import type { EndpointSettings } from '#api/types/network.ts';
import { describe } from '#errors/errors.ts';
import { formatIpv4, parseIpv4, parseIpv4Cidr } from '#lib/ip.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { sendNetlink } from '#linux/netlink.ts';
import { setMac } from '#linux/netlink-link.ts';
import { type AttachRequest, emptyEndpoint, refuseFixedAddress, requestedMac } from './attach-request.ts';
import type { BridgeNetwork } from './default-network.ts';
import { Firewall } from './firewall.ts';
import { AddressAllocator } from './ipam.ts';
import { WarmPool } from './pool.ts';
import type { PortHolder } from './port-holder.ts';
import { portRequests } from './port-requests.ts';
import { fromPortMap, type PublishedPort, toPortMap } from './published-port.ts';
import { type BridgedSandbox, CONTAINER_LINK, makeBridgedSandbox, randomId, type Sandbox } from './sandbox.ts';

export interface BridgeDriverOptions {
  launcher: Launcher;
  /** The folder of pinned namespaces. */
  folder: string;
  network: BridgeNetwork & { id: string; name: string };
  bridgeIndex: number;
  isolated: boolean;
  masquerade: boolean;
  poolSize: number;
  holder: PortHolder;
  log: (message: string) => void;
}

/** How long after the last start the pool is refilled (ms). */
const POOL_IDLE_MS = 25;

/** Containers on one bridge: addresses, prepared sandboxes, published ports. */
export class BridgeDriver {
  readonly #options: BridgeDriverOptions;
  readonly #allocator: AddressAllocator;
  readonly #firewall: Firewall;
  readonly #pool: WarmPool<BridgedSandbox>;
  readonly #prefix: number;

  constructor(options: BridgeDriverOptions) {
    const { launcher, folder, network, bridgeIndex, isolated, log } = options;
    const { block } = parseIpv4Cidr(network.subnet)!;
    const port = { bridgeIndex, mtu: network.mtu, gateway: network.gateway, prefix: block.prefix, isolated };
    this.#options = options;
    this.#prefix = block.prefix;
    this.#allocator = new AddressAllocator(block, parseIpv4Cidr(network.range)!.block, [parseIpv4(network.gateway)!]);
    this.#firewall = new Firewall({ launcher, log });
    this.#pool = new WarmPool({
      make: () => makeBridgedSandbox(launcher, folder, port, this.#allocator),
      discard: (sandbox) => this.#discard(sandbox.netnsPath, sandbox.address),
      size: options.poolSize,
      idleMs: POOL_IDLE_MS,
      onError: (error) => log(`cannot prepare a network sandbox: ${describe(error)}`),
    });
  }

  /** Puts the rules in place with what the running containers publish, then fills the pool. */
  async open(running: Map<string, Sandbox>): Promise<void> {
    const { network, masquerade, log } = this.#options;
    const published = new Map<string, PublishedPort[]>();
    for (const [containerId, sandbox] of running) {
      const address = this.#addressOf(sandbox);
      if (address === undefined) continue;
      try {
        this.#allocator.reserve(address);
        published.set(containerId, this.publishedBy(sandbox));
      } catch (error) {
        log(`the running container ${containerId} has lost its network: ${describe(error)}`);
      }
    }
    await this.#firewall.open([{ link: network.link, subnet: network.subnet, masquerade }], published);
    this.#pool.fill();
  }

  async attach(request: AttachRequest, requested: Partial<EndpointSettings>): Promise<Sandbox> {
    refuseFixedAddress(requested);
    const exposed = request.exposedPorts ?? [];
    const requests = portRequests(request.portBindings ?? {}, exposed, request.publishAll ?? false);
    const wantedMac = requestedMac(request, requested);
    const { network, holder, launcher } = this.#options;
    const prepared = await this.#pool.take();
    const { containerId, name } = request;
    const endpointId = randomId();
    let held: PublishedPort[] = [];
    try {
      if (wantedMac) await sendNetlink(launcher, [setMac(CONTAINER_LINK, wantedMac)], { netns: prepared.netnsPath });
      held = await holder.hold({ containerId, name, endpointId }, requests, formatIpv4(prepared.address));
      await this.#firewall.publish(containerId, held);
    } catch (error) {
      await holder.letGo(containerId, held);
      await this.#discard(prepared.netnsPath, prepared.address);
      throw error;
    }
    const endpoint: EndpointSettings = {
      ...emptyEndpoint(network.id, requested),
      MacAddress: wantedMac ?? prepared.mac,
      EndpointID: endpointId,
      Gateway: network.gateway,
      IPAddress: formatIpv4(prepared.address),
      IPPrefixLen: this.#prefix,
    };
    const { id, netnsPath } = prepared;
    return { id, netnsPath, networks: { [network.name]: endpoint }, ports: toPortMap(held, exposed) };
  }

  /** Gives everything back. Resolves when ports and address are free; the kernel takes down the rest in its time. */
  async release(containerId: string, sandbox: Sandbox): Promise<void> {
    const address = this.#addressOf(sandbox);
    if (address === undefined) return;
    const { holder } = this.#options;
    this.#firewall.withdraw(containerId);
    await holder.letGo(containerId, this.publishedBy(sandbox));
    await this.#discard(sandbox.netnsPath, address);
  }

  /** The ports of the host that lead to a container of this network. */
  publishedBy(sandbox: Sandbox): PublishedPort[] {
    const address = sandbox.networks[this.#options.network.name]?.IPAddress;
    return address ? fromPortMap(sandbox.ports, address) : [];
  }

  async close(): Promise<void> {
    await this.#firewall.close();
    await this.#pool.close();
  }

  #addressOf(sandbox: Sandbox): number | undefined {
    const endpoint = sandbox.networks[this.#options.network.name];
    return endpoint && parseIpv4(endpoint.IPAddress);
  }

  async #discard(netnsPath: string | undefined, address: number): Promise<void> {
    if (netnsPath !== undefined) await this.#options.launcher.deleteNetns(netnsPath);
    this.#allocator.release(address);
  }
}
