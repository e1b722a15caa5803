import type { Config } from '#api/types/container-config.ts';
import { capabilitySets, effectiveCapabilities } from './capabilities.ts';
import { containerEnvironment } from './environment.ts';
import type { OciProcess } from './oci.ts';
import { processRlimits } from './rlimits.ts';
import type { SecurityOptions } from './security-options.ts';
import type { SpecInput } from './spec-input.ts';

/** Where the init program of `--init` appears in the container. */
export const INIT_TARGET = '/sbin/docker-init';

/** The first process of the container. */
export function containerProcess(input: SpecInput, security: SecurityOptions): OciProcess {
  const { config, hostConfig, user } = input;
  const [height, width] = hostConfig.ConsoleSize;
  const rlimits = processRlimits(hostConfig.Ulimits ?? []);
  const apparmorProfile = apparmor(input, security);
  return {
    ...(config.Tty && { terminal: true }),
    ...(config.Tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: [...(usesInit(input) ? [INIT_TARGET, '--'] : []), ...commandOf(config)],
    env: containerEnvironment(config),
    cwd: config.WorkingDir || '/',
    capabilities: capabilitySets(containerCapabilities(input)),
    ...(rlimits.length > 0 && { rlimits }),
    ...(security.noNewPrivileges && { noNewPrivileges: true }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    oomScoreAdj: hostConfig.OomScoreAdj,
  };
}

/** Entrypoint and command put together: the executable, then its arguments. */
export function commandOf(config: Config): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

/** `--init` has no effect when the container sees the host's processes: it would not be process 1. */
export function usesInit(input: SpecInput): boolean {
  return input.hostConfig.Init === true && input.initBinary !== undefined && input.namespaces.pid === 'private';
}

export function containerCapabilities(input: SpecInput): string[] {
  const { CapAdd, CapDrop, Privileged } = input.hostConfig;
  return effectiveCapabilities({
    add: CapAdd,
    drop: CapDrop,
    privileged: Privileged,
    available: input.host.capabilities,
  });
}

/** The profile that was named; without one the kernel's default (unconfined) holds, as we ship no profile. */
function apparmor(input: SpecInput, security: SecurityOptions): string | undefined {
  if (!input.host.apparmor) return undefined;
  return security.apparmor ?? (input.hostConfig.Privileged ? 'unconfined' : undefined);
}
