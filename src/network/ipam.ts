import { conflict, invalid, unavailable } from '#errors/errors.ts';
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

/** A block (CIDR) to cut networks of the prefix length `size` from. */
export interface AddressPool {
  base: string;
  size: number;
}

/** The pools that Docker draws from, in its order. */
export const DEFAULT_POOLS: readonly AddressPool[] = [
  { base: '172.17.0.0/16', size: 16 },
  { base: '172.18.0.0/16', size: 16 },
  { base: '172.19.0.0/16', size: 16 },
  { base: '172.20.0.0/14', size: 16 },
  { base: '172.24.0.0/14', size: 16 },
  { base: '172.28.0.0/14', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
];

/** Reads `base=10.10.0.0/16,size=24`. Throws `invalid` for what no networks can be cut from. */
export function parseAddressPool(text: string): AddressPool {
  const [, base = '', size = ''] = /^base=([^,]+),size=(\d+)$/.exec(text) ?? [];
  const block = parseIpv4Cidr(base)?.block;
  if (block && Number(size) >= block.prefix && Number(size) <= 30)
    return { base: formatBlock(block), size: Number(size) };
  throw invalid(`invalid default address pool '${text}'`, {
    hint: 'Write base=10.10.0.0/16,size=24: an IPv4 block, and the prefix length, up to 30, of networks within it.',
  });
}

/** The first block of the pools that touches none of the taken ones. */
export function chooseSubnet(taken: Ipv4Block[], pools: readonly AddressPool[]): Ipv4Block {
  for (const pool of pools) {
    const { block } = parseIpv4Cidr(pool.base)!;
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
