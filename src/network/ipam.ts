import { conflict, unavailable } from '#errors/errors.ts';
import {
  blockContains,
  blocksOverlap,
  formatBlock,
  formatIpv4,
  type Ipv4Block,
  ipv4Block,
  lastIpv4,
  parseIpv4Cidr,
} from '#lib/ip.ts';

/**
 * Subnets and addresses. Which addresses are taken is derived from the containers' own records at start, so that no
 * second truth can leak them.
 */

/** The pools that Docker draws from, in its order: blocks to cut networks of the given prefix length from. */
const DEFAULT_POOLS: { block: string; size: number }[] = [
  { block: '172.17.0.0/16', size: 16 },
  { block: '172.18.0.0/16', size: 16 },
  { block: '172.19.0.0/16', size: 16 },
  { block: '172.20.0.0/14', size: 16 },
  { block: '172.24.0.0/14', size: 16 },
  { block: '172.28.0.0/14', size: 16 },
  { block: '192.168.0.0/16', size: 20 },
];

/** The first block of the default pools that touches none of the taken ones. */
export function chooseSubnet(taken: Ipv4Block[]): Ipv4Block {
  for (const pool of DEFAULT_POOLS) {
    const { block } = parseIpv4Cidr(pool.block)!;
    const step = 2 ** (32 - pool.size);
    for (let network = block.network; network <= lastIpv4(block); network += step) {
      const candidate = ipv4Block(network, pool.size);
      if (!taken.some((other) => blocksOverlap(candidate, other))) return candidate;
    }
  }
  throw unavailable(
    'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    {
      hint: 'Name a free block: with --subnet for a network, with --bip for the default bridge.',
    },
  );
}

/**
 * The free addresses of one network. They are handed out in a circle, so that an address that was just given back
 * rests as long as possible: others may still know its old owner.
 */
export class AddressAllocator {
  readonly range: Ipv4Block;
  readonly #subnet: Ipv4Block;
  readonly #used = new Set<number>();
  #next: number;

  /** `range` is the part of the subnet to hand out from; `reserved` are addresses that are never handed out. */
  constructor(subnet: Ipv4Block, range: Ipv4Block, reserved: number[]) {
    this.#subnet = subnet;
    this.range = range;
    for (const address of reserved) this.#used.add(address);
    if (subnet.prefix < 31) this.#used.add(subnet.network).add(lastIpv4(subnet));
    this.#next = range.network;
  }

  /** Throws `unavailable` when every address is in use. */
  allocate(): number {
    const first = this.range.network;
    const size = lastIpv4(this.range) - first + 1;
    for (let tries = 0; tries < size; tries++) {
      const candidate = this.#next;
      this.#next = candidate - first + 1 === size ? first : candidate + 1;
      if (this.#used.has(candidate)) continue;
      this.#used.add(candidate);
      return candidate;
    }
    throw unavailable(
      `no available IPv4 addresses on this network's address pools: ${formatBlock(this.range)} is full`,
      {
        hint: 'Remove containers, or give the network a wider subnet.',
      },
    );
  }

  /** Takes one address out of circulation; throws `conflict` when it is in use or not of this subnet. */
  reserve(address: number): void {
    if (!blockContains(this.#subnet, address)) {
      throw conflict(`${formatIpv4(address)} is not in the subnet ${formatBlock(this.#subnet)}`);
    }
    if (this.#used.has(address)) throw conflict(`Address already in use: ${formatIpv4(address)}`);
    this.#used.add(address);
  }

  release(address: number): void {
    this.#used.delete(address);
  }
}
