import type { EndpointSettings } from '#api/types/network.ts';
import { describe, invalid, isEngineError } from '#errors/errors.ts';
import { formatIpv4, parseIpv4, parseIpv4Cidr } from '#lib/ip.ts';
import type { Launcher } from '#linux/launcher-types.ts';
import { sendNetlink } from '#linux/netlink.ts';
import { setMac } from '#linux/netlink-link.ts';
import { emptyEndpoint } from './attach-request.ts';
import type { BridgeTraits } from './bridge-traits.ts';
import type { BridgeNetwork } from './default-network.ts';
import { AddressAllocator } from './ipam.ts';
import { WarmPool } from './pool.ts';
import type { BridgeRules } from './ruleset.ts';
import {
  type BareSandbox,
  type BridgedSandbox,
  type BridgePort,
  FIRST_LINK,
  macOf,
  makeBridgedSandbox,
  plugIn,
  randomId,
} from './sandbox.ts';

export interface BridgeDriverOptions {
  launcher: Launcher;
  /** The folder of pinned namespaces. */
  folder: string;
  network: BridgeNetwork & { id: string };
  bridgeIndex: number;
  traits: BridgeTraits;
  /** How many prepared sandboxes are kept ready. */
  poolSize: number;
  log: (message: string) => void;
}

/** What a container asks of one network; `mac` is canonical. */
export interface EndpointRequest {
  settings: Partial<EndpointSettings>;
  mac?: string;
}

/** How long after the last start the pool is refilled (ms). */
const POOL_IDLE_MS = 25;

/** One bridge: its addresses and the namespaces that are plugged into it. */
export class BridgeDriver {
  readonly traits: BridgeTraits;
  readonly #options: BridgeDriverOptions;
  readonly #allocator: AddressAllocator;
  readonly #pool: WarmPool<BridgedSandbox>;
  readonly #port: BridgePort;

  constructor(options: BridgeDriverOptions) {
    const { launcher, folder, network, bridgeIndex, traits, log } = options;
    const { block } = parseIpv4Cidr(network.subnet)!;
    const reserved = [network.gateway, ...(network.reserved ?? [])].map((address) => parseIpv4(address)!);
    this.traits = traits;
    this.#options = options;
    this.#port = {
      bridgeIndex,
      mtu: network.mtu,
      gateway: network.gateway,
      prefix: block.prefix,
      isolated: !traits.icc,
      internal: traits.internal,
    };
    this.#allocator = new AddressAllocator(block, parseIpv4Cidr(network.range)!.block, reserved);
    this.#pool = new WarmPool({
      make: () => this.#prepare(this.#allocator.allocate()),
      discard: async ({ netnsPath, address }) => {
        await launcher.deleteNetns(netnsPath);
        this.#allocator.release(address);
      },
      size: options.poolSize,
      idleMs: POOL_IDLE_MS,
      onError: (error) => log(`cannot prepare a network sandbox in ${folder}: ${describe(error)}`),
    });
  }

  /** The bridge as the firewall has to know it. */
  get rules(): BridgeRules {
    const { link, subnet } = this.#options.network;
    const { masquerade, internal, icc } = this.traits;
    return { link, subnet, masquerade, internal, icc };
  }

  /** Takes the address of a container that runs; throws `conflict` when it is not to be had any more. */
  adopt(endpoint: EndpointSettings): void {
    this.#allocator.reserve(parseIpv4(endpoint.IPAddress)!);
  }

  /** Begins to prepare sandboxes. */
  fill(): void {
    this.#pool.fill();
  }

  /** A new namespace whose `eth0` is on this bridge. Nothing is left behind when it fails. */
  async makeSandbox(request: EndpointRequest): Promise<BareSandbox & { endpoint: EndpointSettings }> {
    const fixed = this.#fixedAddress(request);
    const prepared = fixed === undefined ? await this.#pool.take() : await this.#prepare(fixed);
    const { id, netnsPath, address } = prepared;
    const mac = request.mac ?? prepared.mac;
    try {
      if (mac !== prepared.mac) {
        await sendNetlink(this.#options.launcher, [setMac(FIRST_LINK, mac)], { netns: netnsPath });
      }
    } catch (error) {
      await this.#options.launcher.deleteNetns(netnsPath);
      this.#allocator.release(address);
      throw error;
    }
    return { id, netnsPath, endpoint: this.#endpoint(request, address, mac) };
  }

  /** Takes an address for a namespace that is to be plugged in: what a restarted engine must know beforehand. */
  reserve(request: EndpointRequest): EndpointSettings {
    const address = this.#fixedAddress(request) ?? this.#allocator.allocate();
    return this.#endpoint(request, address, request.mac ?? macOf(address));
  }

  /** Gives a namespace its link for an endpoint of this network. */
  async plugIn(netnsPath: string, name: string, endpoint: EndpointSettings): Promise<void> {
    const inside = { name, address: parseIpv4(endpoint.IPAddress)!, mac: endpoint.MacAddress };
    await plugIn(this.#options.launcher, netnsPath, this.#port, inside);
  }

  /** The address is free again. */
  release(endpoint: EndpointSettings): void {
    const address = parseIpv4(endpoint.IPAddress);
    if (address !== undefined) this.#allocator.release(address);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #prepare(address: number): Promise<BridgedSandbox> {
    const { launcher, folder } = this.#options;
    try {
      return await makeBridgedSandbox(launcher, folder, this.#port, address);
    } catch (error) {
      this.#allocator.release(address);
      throw error;
    }
  }

  /** Takes the address that was asked for. Throws `invalid` in Docker's words when somebody else has it. */
  #fixedAddress({ settings }: EndpointRequest): number | undefined {
    const address = parseIpv4(settings.IPAMConfig?.IPv4Address ?? '');
    if (address === undefined) return undefined;
    try {
      this.#allocator.reserve(address);
    } catch (error) {
      if (!isEngineError(error, 'conflict')) throw error;
      throw invalid('Address already in use', {
        hint: `${formatIpv4(address)} is in use on this network.`,
        cause: error,
      });
    }
    return address;
  }

  #endpoint({ settings }: EndpointRequest, address: number, mac: string): EndpointSettings {
    const { id, gateway } = this.#options.network;
    return {
      ...emptyEndpoint(id, settings),
      MacAddress: mac,
      EndpointID: randomId(),
      Gateway: this.traits.internal ? '' : gateway,
      IPAddress: formatIpv4(address),
      IPPrefixLen: this.#port.prefix,
    };
  }
}
