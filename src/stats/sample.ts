import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { CpuStats, StatsResponse } from '#api/types/stats.ts';
import { formatTime, nowNs, ZERO_TIME } from '#lib/time.ts';
import type { CgroupSupport } from '#linux/cgroup.ts';
import { NO_BLOCK_IO } from './block-io.ts';
import { parseHostCpu } from './host-cpu.ts';
import { readInterfaces } from './interfaces.ts';
import { readLegacyGroup } from './legacy-cgroup.ts';
import type { ReadText } from './open-files.ts';
import { readUnifiedGroup } from './unified-cgroup.ts';

/** One sample without what depends on who reads it. */
export type Sample = Omit<StatsResponse, 'name' | 'id' | 'preread' | 'precpu_stats'>;

/** Where the figures of a running container are. */
export interface Measured {
  /** Its control group, below the root of every hierarchy. */
  cgroup: string;
  pid: number;
  /** Interfaces of its network namespace that are its own. */
  interfaces: readonly string[];
}

/** Reads what a running container has used until now. `read` reads files of control groups, and /proc/stat. */
export async function takeSample(support: CgroupSupport, measured: Measured, read: ReadText): Promise<Sample> {
  const { cgroup, pid, interfaces } = measured;
  const [group, host, networks] = await Promise.all([
    support.version === 2
      ? readUnifiedGroup(join(support.unified!, cgroup), read)
      : readLegacyGroup(support, cgroup, read),
    read('/proc/stat').then(parseHostCpu),
    readInterfaces(pid, interfaces),
  ]);
  const { cpu, memory, pids, blkio } = group;
  const machine = totalmem();
  if (memory.limit !== undefined && memory.limit > machine) memory.limit = machine;
  return {
    read: formatTime(nowNs()),
    pids_stats: pids,
    blkio_stats: blkio,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: {
      cpu_usage: cpu.cpu_usage,
      system_cpu_usage: host.system,
      online_cpus: host.online,
      throttling_data: cpu.throttling_data,
    },
    memory_stats: memory,
    ...(Object.keys(networks).length > 0 && { networks }),
  };
}

/** The sample of a container that does not run. */
export function emptySample(): Sample {
  return {
    read: ZERO_TIME,
    pids_stats: {},
    blkio_stats: NO_BLOCK_IO,
    num_procs: 0,
    storage_stats: {},
    cpu_stats: noCpuStats(),
    memory_stats: {},
  };
}

export function noCpuStats(): CpuStats {
  return {
    cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  };
}
