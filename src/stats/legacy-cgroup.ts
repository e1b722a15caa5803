import { join } from 'node:path';
import type { Int64 } from '#api/types/scalar.ts';
import type { BlkioStatEntry, BlkioStats, CpuStats, MemoryStats, PidsStats } from '#api/types/stats.ts';
import type { CgroupSupport } from '#linux/cgroup.ts';
import { cgroupFolder } from '#linux/cgroup-paths.ts';
import { TICK } from './host-cpu.ts';
import { inNanoseconds, integer, keyed } from './numbers.ts';
import type { ReadText } from './open-files.ts';

/** What a control group has used. */
export interface GroupUsage {
  cpu: Pick<CpuStats, 'cpu_usage' | 'throttling_data'>;
  memory: MemoryStats;
  pids: PidsStats;
  blkio: BlkioStats;
}

/** Reads the legacy hierarchies (v1). Source: Documentation/admin-guide/cgroup-v1 of the kernel. */
export async function readLegacyGroup(support: CgroupSupport, path: string, read: ReadText): Promise<GroupUsage> {
  const file = (controller: string, name: string) => {
    const folder = cgroupFolder(support, controller, path);
    return folder === undefined ? Promise.resolve('') : read(join(folder, name));
  };
  const [cpu, memory, pids, blkio] = await Promise.all([
    readCpu(file),
    readMemory(file),
    readPids(file),
    readBlockIo(file),
  ]);
  return { cpu, memory, pids, blkio };
}

type ReadControllerFile = (controller: string, name: string) => Promise<string>;

async function readCpu(file: ReadControllerFile): Promise<GroupUsage['cpu']> {
  const [total, each, split, throttled] = await Promise.all([
    file('cpuacct', 'cpuacct.usage'),
    file('cpuacct', 'cpuacct.usage_percpu'),
    file('cpuacct', 'cpuacct.stat'),
    file('cpu', 'cpu.stat'),
  ]);
  const ticks = keyed(split);
  const bandwidth = keyed(throttled);
  return {
    cpu_usage: {
      total_usage: integer(total),
      percpu_usage: each
        .split(' ')
        .filter((value) => /\d/.test(value))
        .map(integer),
      usage_in_kernelmode: inNanoseconds(ticks.system, TICK),
      usage_in_usermode: inNanoseconds(ticks.user, TICK),
    },
    throttling_data: {
      periods: bandwidth.nr_periods ?? 0,
      throttled_periods: bandwidth.nr_throttled ?? 0,
      throttled_time: bandwidth.throttled_time ?? 0,
    },
  };
}

async function readMemory(file: ReadControllerFile): Promise<MemoryStats> {
  const [stat, usage, peak, failures, limit] = await Promise.all(
    ['stat', 'usage_in_bytes', 'max_usage_in_bytes', 'failcnt', 'limit_in_bytes'].map((name) =>
      file('memory', `memory.${name}`),
    ),
  );
  return {
    usage: integer(usage),
    max_usage: integer(peak),
    stats: keyed(stat!),
    ...nonZero('failcnt', integer(failures)),
    limit: integer(limit),
  };
}

async function readPids(file: ReadControllerFile): Promise<PidsStats> {
  const [current, limit] = await Promise.all([file('pids', 'pids.current'), file('pids', 'pids.max')]);
  return { current: integer(current), ...(limit.trim() === 'max' ? {} : nonZero('limit', integer(limit))) };
}

/** The throttling policy counts all requests; kernels since 5.0 have no other. */
async function readBlockIo(file: ReadControllerFile): Promise<BlkioStats> {
  const [bytes, operations] = await Promise.all(
    ['io_service_bytes', 'io_serviced'].map((name) => file('blkio', `blkio.throttle.${name}_recursive`)),
  );
  return {
    io_service_bytes_recursive: entries(bytes!),
    io_serviced_recursive: entries(operations!),
    io_queue_recursive: [],
    io_service_time_recursive: [],
    io_wait_time_recursive: [],
    io_merged_recursive: [],
    io_time_recursive: [],
    sectors_recursive: [],
  };
}

/** Lines of `major:minor Operation value`; the last one, a total, has no device. */
function entries(text: string): BlkioStatEntry[] {
  return [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: op!,
    value: integer(value),
  }));
}

function nonZero<K extends string>(name: K, value: Int64): Partial<Record<K, Int64>> {
  return value === 0 ? {} : ({ [name]: value } as Record<K, Int64>);
}
