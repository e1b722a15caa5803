import type { BlkioStats } from '#api/types/stats.ts';

/** What Docker tells of block devices where nothing is known. */
export const NO_BLOCK_IO: Readonly<BlkioStats> = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};
