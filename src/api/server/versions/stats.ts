import type { Int64 } from '#api/types/scalar.ts';
import type { NetworkStats, StatsResponse } from '#api/types/stats.ts';

/** A sample as clients before 1.21 know it: neither name nor id, and all interfaces together. */
export type StatsWithOneNetwork = Omit<StatsResponse, 'name' | 'id' | 'networks'> & { network: NetworkStats };

/** A sample for version 1.`version`. */
export function downgradeStats(stats: StatsResponse, version: number): StatsResponse | StatsWithOneNetwork {
  if (version >= 21) return stats;
  const { name: _, id: __, networks = {}, ...rest } = stats;
  return { ...rest, network: Object.values(networks).reduce(add, NO_TRAFFIC) };
}

const NO_TRAFFIC: NetworkStats = {
  rx_bytes: 0,
  rx_packets: 0,
  rx_errors: 0,
  rx_dropped: 0,
  tx_bytes: 0,
  tx_packets: 0,
  tx_errors: 0,
  tx_dropped: 0,
};

function add(sum: NetworkStats, more: NetworkStats): NetworkStats {
  const names = Object.keys(sum) as (keyof NetworkStats)[];
  return Object.fromEntries(names.map((name) => [name, plus(sum[name], more[name])])) as Record<
    keyof NetworkStats,
    Int64
  >;
}

function plus(a: Int64, b: Int64): Int64 {
  const sum = BigInt(a) + BigInt(b);
  return sum <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sum) : sum;
}
