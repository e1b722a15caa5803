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
