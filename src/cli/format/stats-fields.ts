import type { StatsResponse } from '#api/types/stats.ts';
import type { Fields } from './list.ts';
import { binarySize, humanSize, shortId } from './units.ts';

export const statsColumns = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'];

/** What is known of a container; without `stats` there was nothing to be had just now. */
export interface StatsRow {
  /** As the user or the list named it. */
  container: string;
  stats?: StatsResponse;
}

const UNKNOWN = '--';

/** What `stats` can show of a container; `full` keeps ids whole. */
export function statsFields(full: boolean): Fields<StatsRow> {
  const known =
    (show: (stats: StatsResponse) => string, unknown = UNKNOWN) =>
    ({ stats }: StatsRow) =>
      stats ? show(stats) : unknown;
  return {
    Container: { header: 'CONTAINER', value: (row) => row.container },
    ID: { header: 'CONTAINER ID', value: known(({ id }) => (full ? id : shortId(id))) },
    Name: { header: 'NAME', value: known(({ name }) => name.slice(1) || UNKNOWN) },
    CPUPerc: { header: 'CPU %', value: known((stats) => percent(cpuPercent(stats))) },
    MemUsage: { header: 'MEM USAGE / LIMIT', value: known(memoryText, '-- / --') },
    MemPerc: { header: 'MEM %', value: known((stats) => percent(memoryPercent(stats))) },
    NetIO: { header: 'NET I/O', value: known(networkText) },
    BlockIO: { header: 'BLOCK I/O', value: known(blockText) },
    PIDs: { header: 'PIDS', value: known(({ pids_stats }) => String(pids_stats.current ?? 0)) },
  };
}

const percent = (value: number) => `${value.toFixed(2)}%`;

/** Of one processor: two busy ones are 200. */
export function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsResponse): number {
  const used = Number(now.cpu_usage.total_usage) - Number(before.cpu_usage.total_usage);
  const passed = Number(now.system_cpu_usage ?? 0) - Number(before.system_cpu_usage ?? 0);
  const processors = now.online_cpus || now.cpu_usage.percpu_usage?.length || 0;
  return used > 0 && passed > 0 ? (used / passed) * processors * 100 : 0;
}

/** Bytes without the files that the kernel could drop at once: `total_inactive_file` of cgroup v1, `inactive_file` of v2. */
export function memoryInUse({ memory_stats: { usage = 0, stats = {} } }: StatsResponse): number {
  const idle = [stats.total_inactive_file, stats.inactive_file].find((value) => value !== undefined && value < usage);
  return Number(usage) - Number(idle ?? 0);
}

function memoryPercent(stats: StatsResponse): number {
  const limit = Number(stats.memory_stats.limit ?? 0);
  return limit === 0 ? 0 : (memoryInUse(stats) / limit) * 100;
}

function memoryText(stats: StatsResponse): string {
  return `${binarySize(memoryInUse(stats))} / ${binarySize(Number(stats.memory_stats.limit ?? 0))}`;
}

function networkText({ networks = {} }: StatsResponse): string {
  const sum = (name: 'rx_bytes' | 'tx_bytes') =>
    Object.values(networks).reduce((total, counters) => total + Number(counters[name]), 0);
  return `${humanSize(sum('rx_bytes'), 3)} / ${humanSize(sum('tx_bytes'), 3)}`;
}

function blockText({ blkio_stats }: StatsResponse): string {
  const entries = blkio_stats.io_service_bytes_recursive ?? [];
  const sum = (operation: string) =>
    entries.reduce((total, { op, value }) => (op.toLowerCase() === operation ? total + Number(value) : total), 0);
  return `${humanSize(sum('read'), 3)} / ${humanSize(sum('write'), 3)}`;
}
