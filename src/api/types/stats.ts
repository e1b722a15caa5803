import type { Int64, Timestamp } from './scalar.ts';

/** One sample of `stats`; `precpu_stats` and `preread` repeat the sample before. */
export interface StatsResponse {
  name: string;
  id: string;
  read: Timestamp;
  preread: Timestamp;
  pids_stats: PidsStats;
  blkio_stats: BlkioStats;
  num_procs: number;
  storage_stats: Record<string, never>;
  cpu_stats: CpuStats;
  precpu_stats: CpuStats;
  memory_stats: MemoryStats;
  /** Interface -> counters; absent without a network of its own. */
  networks?: Record<string, NetworkStats>;
}

export interface PidsStats {
  current?: Int64;
  limit?: Int64;
}

export interface BlkioStats {
  io_service_bytes_recursive: BlkioStatEntry[] | null;
  io_serviced_recursive: BlkioStatEntry[] | null;
  io_queue_recursive: BlkioStatEntry[] | null;
  io_service_time_recursive: BlkioStatEntry[] | null;
  io_wait_time_recursive: BlkioStatEntry[] | null;
  io_merged_recursive: BlkioStatEntry[] | null;
  io_time_recursive: BlkioStatEntry[] | null;
  sectors_recursive: BlkioStatEntry[] | null;
}

export interface BlkioStatEntry {
  major: number;
  minor: number;
  op: string;
  value: Int64;
}

/** Times are nanoseconds of CPU. */
export interface CpuStats {
  cpu_usage: {
    total_usage: Int64;
    percpu_usage?: Int64[];
    usage_in_kernelmode: Int64;
    usage_in_usermode: Int64;
  };
  system_cpu_usage?: Int64;
  online_cpus?: number;
  throttling_data: { periods: Int64; throttled_periods: Int64; throttled_time: Int64 };
}

/** Bytes. */
export interface MemoryStats {
  usage?: Int64;
  max_usage?: Int64;
  stats?: Record<string, Int64>;
  failcnt?: Int64;
  limit?: Int64;
}

export interface NetworkStats {
  rx_bytes: Int64;
  rx_packets: Int64;
  rx_errors: Int64;
  rx_dropped: Int64;
  tx_bytes: Int64;
  tx_packets: Int64;
  tx_errors: Int64;
  tx_dropped: Int64;
}
