import type { ContainerUpdateRequest } from '#api/types/container.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import { conflict } from '#errors/errors.ts';

/** The limits that can be changed once a container is there. */
const CHANGEABLE = [
  ...(['BlkioWeight', 'CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems'] as const),
  ...(['Memory', 'MemorySwap', 'MemoryReservation', 'CpuRealtimePeriod', 'CpuRealtimeRuntime'] as const),
] as const;

/** How the host config of container `id` changes. Throws `conflict` in Docker's words for what its limits forbid. */
export function updateChanges(id: string, current: HostConfig, asked: ContainerUpdateRequest): Partial<HostConfig> {
  const why = contradiction(current, asked);
  if (why !== undefined) throw conflict(`Cannot update container ${id}: ${why}`);
  const changes: Partial<HostConfig> = {};
  for (const name of CHANGEABLE) if (asked[name]) Object.assign(changes, { [name]: asked[name] });
  if (asked.PidsLimit !== null) changes.PidsLimit = asked.PidsLimit;
  if (asked.RestartPolicy.Name !== '') changes.RestartPolicy = asked.RestartPolicy;
  return changes;
}

function contradiction(current: HostConfig, asked: ContainerUpdateRequest): string | undefined {
  const cpus = (one: string, other: string) =>
    `Conflicting options: ${one} cannot be updated as ${other} has already been set`;
  if (asked.NanoCpus > 0 && current.CpuPeriod > 0) return cpus('Nano CPUs', 'CPU Period');
  if (asked.NanoCpus > 0 && current.CpuQuota > 0) return cpus('Nano CPUs', 'CPU Quota');
  if (asked.CpuPeriod > 0 && current.NanoCpus > 0) return cpus('CPU Period', 'NanoCPUs');
  if (asked.CpuQuota > 0 && current.NanoCpus > 0) return cpus('CPU Quota', 'NanoCPUs');
  if (asked.Memory > 0 && asked.Memory > current.MemorySwap && current.MemorySwap >= 0 && asked.MemorySwap === 0) {
    return 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time';
  }
  const { Name: policy } = asked.RestartPolicy;
  if (current.AutoRemove && policy !== '' && policy !== 'no') {
    return 'Restart policy cannot be updated because AutoRemove is enabled for the container';
  }
  return undefined;
}
