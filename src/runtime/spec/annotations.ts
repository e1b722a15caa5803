import type { HostConfig } from '#api/types/host-config.ts';

/** Has crun put the processes into systemd's scope itself, as runc does, not into a group `container` in it (crun(1)). */
const NO_SUBGROUP = { 'run.oci.systemd.subgroup': '' };

/** `--annotation` as the specification carries it; nothing when there are none. */
export function containerAnnotations({
  hostConfig,
  cgroup,
}: {
  hostConfig: Pick<HostConfig, 'Annotations'>;
  cgroup: { cgroupsPath: string };
}): { annotations?: Record<string, string> } {
  const inScope = !cgroup.cgroupsPath.startsWith('/');
  const annotations = { ...(inScope && NO_SUBGROUP), ...hostConfig.Annotations };
  return Object.keys(annotations).length > 0 ? { annotations } : {};
}
