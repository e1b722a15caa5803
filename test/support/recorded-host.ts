import type { CgroupSupport } from '#linux/cgroup.ts';
import type { EngineDefaults } from '#runtime/spec/host-defaults.ts';

/** The machine on which fixtures/dockerd-26.json was recorded: legacy control groups, no block I/O weights. */
export const LEGACY_CGROUPS: CgroupSupport = {
  version: 1,
  hybrid: true,
  controllers: new Map(
    ['memory', 'cpu', 'cpuset', 'pids', 'devices', 'freezer', 'blkio'].map((n) => [n, `/sys/fs/cgroup/${n}`]),
  ),
  features: {
    memory: true,
    swap: true,
    memoryReservation: true,
    swappiness: true,
    oomKillDisable: true,
    kernelMemoryTcp: true,
    cpuShares: true,
    cpuCfs: true,
    cpuRealtime: true,
    cpuset: true,
    pids: true,
    blkioWeight: false,
    blkioWeightDevice: false,
    blkioThrottle: true,
    hugetlb: false,
  },
  cpus: '0-1',
  mems: '0',
};

/** dockerd's own defaults. */
export const ENGINE_DEFAULTS: EngineDefaults = {
  runtime: 'runc',
  shmSize: 64 * 1024 * 1024,
  ipcMode: 'private',
  logDriver: 'json-file',
  logOpts: {},
  ulimits: [],
  init: false,
};
