import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { NetworkingConfig } from '#api/types/network.ts';
import { invalid } from '#errors/errors.ts';
import { normalizeCapabilities } from './capabilities.ts';
import { parseSecurityOptions } from './security-options.ts';
import { checkConfig } from './validate/config.ts';
import { checkDevices } from './validate/devices.ts';
import type { HostLimits } from './validate/host-limits.ts';
import { checkLogConfig } from './validate/log-config.ts';
import { checkModes } from './validate/modes.ts';
import { checkNetwork } from './validate/network.ts';
import { checkNoNul } from './validate/no-nul.ts';
import { checkResources } from './validate/resources.ts';
import { checkRestartPolicy } from './validate/restart-policy.ts';

export interface Validated {
  /** Without the limits that this kernel cannot keep. */
  hostConfig: HostConfig;
  /** For the client, in Docker's words. */
  warnings: string[];
}

/**
 * Judges a request to create a container before anything is made: `config` merged with the image's but before the host
 * name is filled in, `hostConfig` after `withHostDefaults`. Whether names exist (networks, other containers, the
 * runtime) is the daemon's to say; binds and mounts are judged by `parseMounts`. Throws `invalid` in Docker's words.
 */
export function validateCreate(
  config: Config,
  hostConfig: HostConfig,
  networking: Partial<NetworkingConfig>,
  limits: HostLimits,
): Validated {
  checkNoNul(config, 'Config');
  checkNoNul(hostConfig, 'HostConfig');
  checkConfig(config);
  checkModes(config, hostConfig);
  checkRestartPolicy(hostConfig);
  checkLogConfig(hostConfig.LogConfig);
  checkProcessOptions(hostConfig, limits);
  checkDevices(hostConfig);
  const networkWarnings = checkNetwork(config, hostConfig, networking);
  const { resources, warnings } = checkResources(hostConfig, limits);
  return { hostConfig: resources, warnings: [...networkWarnings, ...warnings] };
}

function checkProcessOptions(hostConfig: HostConfig, { host }: HostLimits): void {
  const { CapAdd, CapDrop, OomScoreAdj, SecurityOpt, ShmSize, StorageOpt, Annotations } = hostConfig;
  normalizeCapabilities(CapAdd, 'CapAdd', host.capabilities);
  normalizeCapabilities(CapDrop, 'CapDrop', host.capabilities);
  parseSecurityOptions(SecurityOpt);
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (ShmSize < 0) throw invalid('SHM size can not be less than 0');
  if (Object.keys(StorageOpt ?? {}).length > 0) {
    throw invalid('--storage-opt is not supported: no storage driver of wherry limits the size of a container');
  }
  if (Object.hasOwn(Annotations ?? {}, '')) {
    throw invalid('invalid Annotations: the empty string is not permitted as an annotation key');
  }
}
