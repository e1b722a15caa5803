import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { EndpointSettings, NetworkingConfig } from '#api/types/network.ts';
import { invalid } from '#errors/errors.ts';
import { containerCgroup } from '#linux/cgroup-paths.ts';
import { parseExtraHost } from '#network/hosts-file.ts';
import { withHostDefaults } from '#runtime/spec/host-defaults.ts';
import { parseSecurityOptions } from '#runtime/spec/security-options.ts';
import { validateCreate } from '#runtime/spec/validate.ts';
import { engineDefaults } from '../defaults.ts';
import { endpointsAtCreate } from '../endpoints.ts';
import type { Engine } from '../engine.ts';
import { runtimeProgram } from '../launch/monitor-options.ts';
import { sharedContainer } from '../shared-namespaces.ts';

/** How a warning of this file begins. */
export const NO_APPARMOR = 'Your kernel does not support AppArmor';

export interface JudgedHostConfig {
  /** Filled, without what this kernel cannot keep; other containers are named by their ids. */
  hostConfig: HostConfig;
  /** By the names of the networks. */
  endpoints: Record<string, EndpointSettings>;
  warnings: string[];
}

/**
 * A host config as it is kept with a container. `config` is merged with the image's, before the host name is filled in.
 * Throws what cannot be right or names what is not there; links are the caller's to resolve.
 */
export function judgeHostConfig(
  engine: Engine,
  config: Config,
  asked: HostConfig,
  networking: NetworkingConfig,
): JudgedHostConfig {
  const filled = withHostDefaults(asked, engineDefaults(engine), engine.cgroups);
  const { hostConfig, warnings } = validateCreate(config, filled, networking, engine);
  runtimeProgram(engine, hostConfig.Runtime);
  containerCgroup(engine.config.cgroupDriver, hostConfig.CgroupParent, '');
  checkExtraHosts(hostConfig);
  const endpoints = endpointsAtCreate(engine, asked, networking);
  return {
    hostConfig: { ...hostConfig, ...resolvePartners(engine, hostConfig) },
    endpoints,
    warnings: [...warnings, ...profileWarnings(engine, hostConfig)],
  };
}

/** A profile that the kernel cannot hold a container to is no reason not to run it, as for dockerd, but worth a word. */
function profileWarnings({ host }: Engine, { SecurityOpt }: HostConfig): string[] {
  const { apparmor } = parseSecurityOptions(SecurityOpt);
  if (host.apparmor || !apparmor || apparmor === 'unconfined') return [];
  return [`${NO_APPARMOR}: the profile ${apparmor} is ignored`];
}

function checkExtraHosts({ ExtraHosts: extraHosts }: HostConfig): void {
  for (const extra of extraHosts ?? []) {
    if (!parseExtraHost(extra)) throw invalid(`bad format for add-host: "${extra}"`, { hint: 'Write NAME:ADDRESS.' });
  }
}

/** Names of other containers become ids, so that a renamed partner stays the partner. A missing one is refused. */
function resolvePartners(
  engine: Engine,
  { NetworkMode, IpcMode, PidMode }: HostConfig,
): Pick<HostConfig, 'NetworkMode' | 'IpcMode' | 'PidMode'> {
  const resolve = (mode: string) => {
    const partner = sharedContainer(engine, mode);
    return partner ? `container:${partner.id}` : mode;
  };
  return { NetworkMode: resolve(NetworkMode), IpcMode: resolve(IpcMode), PidMode: resolve(PidMode) };
}
