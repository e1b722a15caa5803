import type { ContainerUpdateRequest } from '#api/types/container.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { Mount } from '#api/types/mount.ts';
import { invalid } from '#errors/errors.ts';
import type { ContainerCreateRequest } from '../backend.ts';

/** Create requests: what a version did not know yet, or knew in another place, is put as the newest one has it. */

/** The limits stood beside the config before 1.18. */
export interface OldLimits {
  Memory?: HostConfig['Memory'];
  MemorySwap?: HostConfig['MemorySwap'];
  CpuShares?: HostConfig['CpuShares'];
  Cpuset?: string;
  CpusetCpus?: string;
}

/** Moves limits that stand beside the config into the host config, unless it has its own. */
export function withOldLimits(hostConfig: HostConfig, old: OldLimits): HostConfig {
  return {
    ...hostConfig,
    Memory: hostConfig.Memory || (old.Memory ?? 0),
    MemorySwap: hostConfig.MemorySwap || (old.MemorySwap ?? 0),
    CpuShares: hostConfig.CpuShares || (old.CpuShares ?? 0),
    CpusetCpus: hostConfig.CpusetCpus || old.CpusetCpus || old.Cpuset || '',
  };
}

/** Makes a request of version 1.`version` one of the newest version. */
export function upgradeCreate(request: ContainerCreateRequest, version: number): ContainerCreateRequest {
  if (version < 44) refuseManyEndpoints(request);
  const upgraded = { ...request, hostConfig: upgradeHostConfig(request.hostConfig, version) };
  if (version < 41) delete upgraded.platform;
  if (version < 44 && request.config.Healthcheck) {
    const { StartInterval: _, ...healthcheck } = request.config.Healthcheck;
    upgraded.config = { ...request.config, Healthcheck: healthcheck };
  }
  return upgraded;
}

function refuseManyEndpoints({ networkingConfig }: ContainerCreateRequest): void {
  const names = Object.keys(networkingConfig.EndpointsConfig ?? {});
  if (names.length < 2) return;
  throw invalid(`Container cannot be created with multiple network endpoints: ${names.join(', ')}`, {
    hint: 'From version 1.44 of the API on it can; until then connect the container to the others.',
  });
}

/** Makes a host config of version 1.`version` one of the newest version. */
export function upgradeHostConfig(hostConfig: HostConfig, version: number): HostConfig {
  const upgraded = { ...hostConfig };
  if (version < 25) upgraded.AutoRemove = false;
  if (version < 40) {
    delete upgraded.KernelMemoryTCP;
    upgraded.IpcMode ||= 'shareable';
  }
  if (version < 42) upgraded.ConsoleSize = [0, 0];
  if (version >= 42) delete upgraded.KernelMemory;
  if (version < 43) delete upgraded.Annotations;
  if (typeof upgraded.PidsLimit === 'number' && upgraded.PidsLimit <= 0) upgraded.PidsLimit = null;
  if (upgraded.Mounts) upgraded.Mounts = upgraded.Mounts.map((mount) => upgradeMount(mount, version));
  return upgraded;
}

/** Makes an update of version 1.`version` one of the newest version; 0 processes means no limit, whatever was written. */
export function upgradeUpdate(request: ContainerUpdateRequest, version: number): ContainerUpdateRequest {
  const { KernelMemory: _, ...upgraded } = request;
  if (version < 40) upgraded.PidsLimit = null;
  if (upgraded.PidsLimit !== null && upgraded.PidsLimit <= 0) upgraded.PidsLimit = 0;
  return upgraded;
}

function upgradeMount(mount: Mount, version: number): Mount {
  if (version < 48 && mount.Type === 'image') {
    throw invalid('invalid mount config for type "image": mount type unknown', {
      hint: 'Images are mounted from version 1.48 of the API on.',
    });
  }
  const upgraded = { ...mount };
  if (mount.BindOptions) {
    const bind = { ...mount.BindOptions };
    if (version < 40) delete bind.NonRecursive;
    if (version < 42) delete bind.CreateMountpoint;
    if (version < 44) {
      delete bind.ReadOnlyForceRecursive;
      bind.ReadOnlyNonRecursive = true;
    }
    upgraded.BindOptions = bind;
  } else if (version < 44 && mount.Type === 'bind') {
    upgraded.BindOptions = { ReadOnlyNonRecursive: true };
  }
  if (version < 45 && mount.VolumeOptions) {
    const { Subpath: _, ...volume } = mount.VolumeOptions;
    upgraded.VolumeOptions = volume;
  }
  return upgraded;
}
