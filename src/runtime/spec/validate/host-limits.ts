import type { CgroupSupport } from '#linux/cgroup.ts';

/** What a request is judged by. */
export interface HostLimits {
  cgroup: CgroupSupport;
  cpuCount: number;
  /** The capabilities that the engine can give. */
  capabilities: readonly string[];
}
