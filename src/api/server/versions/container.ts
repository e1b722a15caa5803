import type { ContainerInspect, ContainerSummary } from '#api/types/container.ts';
import { perVersion } from './per-version.ts';

/** Replies about containers, made what an older client expects. */

/** One row of `ps` for version 1.`version`. */
export const downgradeSummary = perVersion((summary: ContainerSummary, version: number): ContainerSummary => {
  if (version >= 48) return summary;
  const { ImageManifestDescriptor: _, ...older } = summary;
  if (version < 46) older.HostConfig = { NetworkMode: summary.HostConfig.NetworkMode };
  return older;
});

/** An inspect reply for version 1.`version`. */
export const downgradeInspect = perVersion((container: ContainerInspect, version: number): ContainerInspect => {
  if (version >= 48) return container;
  const { ImageManifestDescriptor: _, ...older } = container;
  if (version < 45) older.NetworkSettings = withShortIdAlias(container);
  return version < 20 ? { ...older, ...firstFields(container) } : older;
});

/** Before 1.20 volumes stood beside the config and limits in it, which clients of that time read there. */
function firstFields({ Mounts: mounts, Config: config, HostConfig: host }: ContainerInspect) {
  const { Memory, MemorySwap, CpuShares, CpusetCpus } = host;
  return {
    Volumes: Object.fromEntries(mounts.map(({ Destination, Source }) => [Destination, Source])),
    VolumesRW: Object.fromEntries(mounts.map(({ Destination, RW }) => [Destination, RW])),
    Config: { ...config, Memory, MemorySwap, CpuShares, Cpuset: CpusetCpus },
  };
}

/** Before 1.45 the container's short id and host name stood among its aliases in user-defined networks. */
function withShortIdAlias(container: ContainerInspect): ContainerInspect['NetworkSettings'] {
  const builtIn = new Set(['default', 'bridge', 'host', 'none']);
  const networks = Object.entries(container.NetworkSettings.Networks).map(([name, endpoint]) => {
    if (builtIn.has(name) || name.startsWith('container:')) return [name, endpoint] as const;
    const aliases = [...(endpoint.Aliases ?? []), container.Id.slice(0, 12), container.Config.Hostname];
    return [name, { ...endpoint, Aliases: [...new Set(aliases)].filter(Boolean) }] as const;
  });
  return { ...container.NetworkSettings, Networks: Object.fromEntries(networks) };
}
