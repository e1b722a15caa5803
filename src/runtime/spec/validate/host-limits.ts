import type { CgroupSupport } from '#linux/cgroup.ts';

/** What a request is judged by. */
export interface HostLimits {
  cgroups: CgroupSupport;
  /** `capabilities`: those that the engine can give. */
  host: { cpuCount: number; capabilities: readonly string[] };
}
