import type { Container } from '#container/container.ts';
import { conflict } from '#errors/errors.ts';
import type { NamespaceChoice, NamespaceChoices } from '#runtime/spec/spec-input.ts';
import type { Engine } from './engine.ts';

/** The container that a mode such as `container:web` names; undefined for other modes. Throws `not-found`. */
export function sharedContainer(engine: Engine, mode: string): Container | undefined {
  const match = /^container:(.+)$/.exec(mode);
  return match ? engine.containers.get(match[1]!) : undefined;
}

/** Which namespaces the container has of its own, shares with the host, or with a running container. */
export function chooseNamespaces(engine: Engine, { record }: Container): NamespaceChoices {
  const { hostConfig, sandbox } = record;
  const choose = (mode: string, file: string): NamespaceChoice => {
    if (mode === 'host') return 'host';
    const partner = sharedContainer(engine, mode);
    return partner ? { path: `/proc/${runningPid(partner)}/ns/${file}` } : 'private';
  };
  return {
    network: sandbox?.netnsPath === undefined ? 'host' : { path: sandbox.netnsPath },
    pid: choose(hostConfig.PidMode, 'pid'),
    ipc: choose(hostConfig.IpcMode, 'ipc'),
    uts: choose(hostConfig.UTSMode, 'uts'),
    cgroup: hostConfig.CgroupnsMode === 'private' ? 'private' : 'host',
  };
}

function runningPid(container: Container): number {
  if (!container.running) {
    throw conflict(`cannot join the namespaces of container ${container.name}: it is not running`);
  }
  return container.state.pid;
}
