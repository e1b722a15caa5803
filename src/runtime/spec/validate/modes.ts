import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import { invalid } from '#errors/errors.ts';

const IPC_MODES = new Set(['', 'none', 'private', 'shareable', 'host']);

/** Throws `invalid` in Docker's words for an unknown namespace mode, or one that contradicts another option. */
export function checkModes(config: Config, hostConfig: HostConfig): void {
  const { IpcMode, PidMode, UTSMode, UsernsMode, CgroupnsMode, Isolation } = hostConfig;
  if (!IPC_MODES.has(IpcMode) && !joinsContainer(IpcMode)) throw invalid(`invalid IPC mode: ${IpcMode}`);
  if (PidMode !== '' && PidMode !== 'host' && !joinsContainer(PidMode)) throw invalid(`invalid PID mode: ${PidMode}`);
  if (UTSMode !== '' && UTSMode !== 'host') throw invalid(`invalid UTS mode: ${UTSMode}`);
  if (UsernsMode !== '' && UsernsMode !== 'host') throw invalid(`invalid user namespace mode: ${UsernsMode}`);
  if (!['', 'private', 'host'].includes(CgroupnsMode)) throw invalid(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  if (Isolation !== '' && Isolation !== 'default') {
    throw invalid(`Invalid isolation: "${Isolation}" - linux only supports 'default'`);
  }
  if (UTSMode === 'host' && config.Hostname) throw invalid('conflicting options: hostname and the UTS mode');
}

/** The container that a mode joins (`container:web` -> `web`); undefined for every other mode. */
export function joinedContainer(mode: string): string | undefined {
  return joinsContainer(mode) ? mode.slice('container:'.length) : undefined;
}

function joinsContainer(mode: string): boolean {
  return mode.startsWith('container:') && mode.length > 'container:'.length;
}
