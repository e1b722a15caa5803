import type { Resources } from '#api/types/host-config.ts';
import type { Int64 } from '#api/types/scalar.ts';
import type { OciBlockIO, OciCpu, OciMemory, OciResources } from './oci.ts';

/** Microseconds: the period in which `--cpus` is counted. */
const CPU_PERIOD = 100_000n;

/**
 * The limits in OCI's terms, which are those of cgroup v1; the runtime translates them for v2 (shares to weight,
 * memory + swap to swap).
 */
export function cgroupResources(resources: Resources, blockIO: OciBlockIO): Omit<OciResources, 'devices'> {
  const cpu = cpuLimits(resources);
  const pids = resources.PidsLimit ?? 0;
  return {
    memory: memoryLimits(resources),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(positive(pids) && { pids: { limit: pids } }),
    blockIO,
  };
}

/**
 * For a running container: the limits that `changes` touch, with those that the kernel wants to see beside them, as
 * they are in `now`. Unlike at a start, -1 (no limit) is said.
 */
export function updatedResources(now: Resources, changes: Partial<Resources>): Omit<OciResources, 'devices'> {
  const touched = (...names: (keyof Resources)[]) => names.some((name) => name in changes);
  const memory = touched('Memory', 'MemorySwap', 'MemoryReservation') && {
    ...(now.Memory && { limit: now.Memory }),
    ...(now.MemorySwap && { swap: now.MemorySwap }),
    ...(now.MemoryReservation && { reservation: now.MemoryReservation }),
  };
  const cpu = {
    ...(changes.CpuShares && { shares: changes.CpuShares }),
    ...(touched('NanoCpus', 'CpuPeriod', 'CpuQuota') && cpuBandwidth(now)),
    ...(changes.CpuRealtimeRuntime && { realtimeRuntime: changes.CpuRealtimeRuntime }),
    ...(changes.CpuRealtimePeriod && { realtimePeriod: changes.CpuRealtimePeriod }),
    ...(changes.CpusetCpus && { cpus: changes.CpusetCpus }),
    ...(changes.CpusetMems && { mems: changes.CpusetMems }),
  };
  const pids = changes.PidsLimit ?? 0;
  return {
    ...(memory && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(touched('PidsLimit') && { pids: { limit: positive(pids) ? pids : -1 } }),
    ...(changes.BlkioWeight && { blockIO: { weight: changes.BlkioWeight } }),
  };
}

function memoryLimits(resources: Resources): OciMemory {
  const { Memory, MemoryReservation, MemorySwap, MemorySwappiness, KernelMemoryTCP, OomKillDisable } = resources;
  return {
    ...(positive(Memory) && { limit: Memory }),
    ...(positive(MemoryReservation) && { reservation: MemoryReservation }),
    ...(positive(MemorySwap) && { swap: MemorySwap }),
    ...(KernelMemoryTCP && positive(KernelMemoryTCP) && { kernelTCP: KernelMemoryTCP }),
    ...(MemorySwappiness !== null && MemorySwappiness >= 0 && { swappiness: MemorySwappiness }),
    ...(OomKillDisable !== null && { disableOOMKiller: OomKillDisable }),
  };
}

function cpuLimits(resources: Resources): OciCpu {
  const { CpuShares, CpuRealtimePeriod, CpuRealtimeRuntime, CpusetCpus, CpusetMems } = resources;
  return {
    ...(positive(CpuShares) && { shares: CpuShares }),
    ...cpuBandwidth(resources),
    ...(positive(CpuRealtimeRuntime) && { realtimeRuntime: CpuRealtimeRuntime }),
    ...(positive(CpuRealtimePeriod) && { realtimePeriod: CpuRealtimePeriod }),
    ...(CpusetCpus && { cpus: CpusetCpus }),
    ...(CpusetMems && { mems: CpusetMems }),
  };
}

/** `--cpus`, or else `--cpu-quota` and `--cpu-period`. */
function cpuBandwidth({ NanoCpus, CpuQuota, CpuPeriod }: Resources): OciCpu {
  if (positive(NanoCpus)) {
    const quota = (BigInt(NanoCpus) * CPU_PERIOD) / 1_000_000_000n;
    return { quota: Number(quota), period: Number(CPU_PERIOD) };
  }
  return { ...(BigInt(CpuQuota) !== 0n && { quota: CpuQuota }), ...(positive(CpuPeriod) && { period: CpuPeriod }) };
}

function positive(value: Int64): boolean {
  return value > 0;
}
