import type { Resources } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';
import type { CgroupFeatures } from '#linux/cgroup.ts';
import { type Adjustment, discardUnsupported } from './adjustment.ts';
import type { HostLimits } from './host-limits.ts';
import { checkNumberList } from './number-list.ts';

const NANO_CPUS_PER_CPU = 1e9;

/** Drops the CPU limits that the kernel cannot keep. */
export function adjustCpu(resources: Resources, features: CgroupFeatures): Adjustment {
  return discardUnsupported([
    {
      asked: resources.CpuShares > 0,
      supported: features.cpuShares,
      changes: { CpuShares: 0 },
      warning: 'Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.',
    },
    {
      asked: BigInt(resources.CpuPeriod) !== 0n || BigInt(resources.CpuQuota) !== 0n,
      supported: features.cpuCfs,
      changes: { CpuPeriod: 0, CpuQuota: 0 },
      warning: 'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.',
    },
    {
      asked: resources.CpusetCpus !== '' || resources.CpusetMems !== '',
      supported: features.cpuset,
      changes: { CpusetCpus: '', CpusetMems: '' },
      warning: 'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.',
    },
    {
      asked: resources.CpuPercent > 0,
      supported: false,
      changes: { CpuPercent: 0 },
      warning: 'linux does not support CPU percent. Percent discarded.',
    },
  ]);
}

/** Throws `invalid` in Docker's words for limits out of range, or that contradict each other. */
export function checkCpu(resources: Resources, { cgroups, host }: HostLimits): void {
  const { CpuShares, CpuPeriod, CpuQuota, CpusetCpus, CpusetMems } = resources;
  if (CpuShares < 0) {
    throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  }
  checkNanoCpus(resources, cgroups.features, host.cpuCount);
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  checkRealtime(resources, cgroups.features);
  checkNumberList({ what: 'cpuset cpus', things: 'CPUs', asked: CpusetCpus, available: cgroups.cpus });
  checkNumberList({ what: 'cpuset mems', things: 'memory nodes', asked: CpusetMems, available: cgroups.mems });
}

function checkNanoCpus({ NanoCpus, CpuPeriod, CpuQuota }: Resources, features: CgroupFeatures, cpuCount: number): void {
  if (NanoCpus === 0) return;
  if (CpuPeriod > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (CpuQuota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (!features.cpuCfs) {
    throw invalid(
      'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    );
  }
  if (NanoCpus < 0 || NanoCpus > cpuCount * NANO_CPUS_PER_CPU) {
    throw invalid(`Range of CPUs is from 0.01 to ${cpuCount}.00, as there are only ${cpuCount} CPUs available`);
  }
}

function checkRealtime({ CpuRealtimePeriod, CpuRealtimeRuntime }: Resources, features: CgroupFeatures): void {
  if (!(CpuRealtimePeriod > 0 || CpuRealtimeRuntime > 0)) return;
  if (!features.cpuRealtime) throw invalid('Your kernel does not support CPU real-time scheduler');
  if (CpuRealtimePeriod > 0 && CpuRealtimeRuntime > CpuRealtimePeriod) {
    throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  }
}
