import { join } from 'node:path';
import type { BlkioStatEntry, BlkioStats, CpuStats, MemoryStats } from '#api/types/stats.ts';
import { NO_BLOCK_IO } from './block-io.ts';
import type { GroupUsage } from './legacy-cgroup.ts';
import { inNanoseconds, integer, keyed } from './numbers.ts';
import type { ReadText } from './open-files.ts';

/** What Docker tells of memory.stat. */
const MEMORY_STATS = [
  ...['active_anon', 'active_file', 'anon', 'anon_thp', 'file', 'file_dirty', 'file_mapped', 'file_writeback'],
  ...['inactive_anon', 'inactive_file', 'kernel_stack', 'pgactivate', 'pgdeactivate', 'pgfault', 'pglazyfree'],
  ...['pglazyfreed', 'pgmajfault', 'pgrefill', 'pgscan', 'pgsteal', 'shmem', 'slab', 'slab_reclaimable'],
  ...['slab_unreclaimable', 'sock', 'thp_collapse_alloc', 'thp_fault_alloc', 'unevictable', 'workingset_activate'],
  ...['workingset_nodereclaim', 'workingset_refault'],
];

/** Reads the unified hierarchy (v2), where `folder` is the group's. Source: Documentation/admin-guide/cgroup-v2.rst. */
export async function readUnifiedGroup(folder: string, read: ReadText): Promise<GroupUsage> {
  const file = (name: string) => read(join(folder, name));
  const [cpu, stat, usage, limit, events, pids, pidsLimit, io] = await Promise.all([
    file('cpu.stat'),
    file('memory.stat'),
    file('memory.current'),
    file('memory.max'),
    file('memory.events'),
    file('pids.current'),
    file('pids.max'),
    file('io.stat'),
  ]);
  return {
    cpu: cpuUsage(keyed(cpu)),
    memory: memoryUsage(keyed(stat), { usage, limit, events }),
    pids: pids === '' ? {} : { current: integer(pids), limit: integer(pidsLimit) },
    blkio: blockIo(io),
  };
}

function cpuUsage(stat: ReturnType<typeof keyed>): Pick<CpuStats, 'cpu_usage' | 'throttling_data'> {
  const micros = (name: string) => inNanoseconds(stat[name], 1000);
  return {
    cpu_usage: {
      total_usage: micros('usage_usec'),
      usage_in_kernelmode: micros('system_usec'),
      usage_in_usermode: micros('user_usec'),
    },
    throttling_data: {
      periods: stat.nr_periods ?? 0,
      throttled_periods: stat.nr_throttled ?? 0,
      throttled_time: micros('throttled_usec'),
    },
  };
}

function memoryUsage(
  stat: ReturnType<typeof keyed>,
  { usage, limit, events }: { usage: string; limit: string; events: string },
): MemoryStats {
  if (usage === '') return {};
  const { oom = 0 } = keyed(events);
  return {
    usage: integer(usage),
    stats: Object.fromEntries(MEMORY_STATS.map((name) => [name, derived(stat, name)])),
    ...(oom === 0 ? {} : { failcnt: oom }),
    limit: integer(limit),
  };
}

/** Kernels since 5.9 tell refaults and activations of files and of anonymous memory apart. */
function derived(stat: ReturnType<typeof keyed>, name: string) {
  const value = stat[name];
  if (value !== undefined || !name.startsWith('workingset_')) return value ?? 0;
  return Number(stat[`${name}_anon`] ?? 0) + Number(stat[`${name}_file`] ?? 0);
}

/** Lines of `major:minor rbytes=N wbytes=N ...`; nothing but these two is told on v2. */
function blockIo(text: string): BlkioStats {
  const entries = [...text.matchAll(/^(\d+):(\d+)(?=.*\brbytes=(\d+))(?=.*\bwbytes=(\d+))/gm)].flatMap(
    ([, major, minor, read, written]): BlkioStatEntry[] => {
      const device = { major: Number(major), minor: Number(minor) };
      return [
        { ...device, op: 'read', value: integer(read) },
        { ...device, op: 'write', value: integer(written) },
      ];
    },
  );
  return { ...NO_BLOCK_IO, io_service_bytes_recursive: entries.length > 0 ? entries : null };
}
