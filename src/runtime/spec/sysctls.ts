import { invalid } from '#errors/errors.ts';
import type { SpecInput } from './spec-input.ts';

/** Kernel settings that belong to an IPC namespace, beside everything under `fs.mqueue.`. */
const IPC_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** What a container with a network of its own may do without privileges. */
const NETWORK_DEFAULTS: Readonly<Record<string, string>> = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};

/**
 * The sysctls of a container: Docker's defaults for one with a network of its own, the domain name, then what was asked
 * for. Throws `invalid` in the runtime's words for a setting that would reach the host.
 */
export function containerSysctls(input: SpecInput): Record<string, string> {
  const { config, hostConfig, namespaces } = input;
  const asked = hostConfig.Sysctls ?? {};
  checkSysctls(asked, {
    network: namespaces.network === 'host',
    ipc: namespaces.ipc === 'host',
    uts: namespaces.uts === 'host',
  });
  return {
    ...(config.Domainname && namespaces.uts !== 'host' && { 'kernel.domainname': config.Domainname }),
    ...(hasOwnNetwork(hostConfig.NetworkMode) && NETWORK_DEFAULTS),
    ...asked,
  };
}

/** Which of the namespaces are the host's. */
export interface SharedWithHost {
  network: boolean;
  ipc: boolean;
  uts: boolean;
}

/** Throws `invalid` for the first setting that is not kept in one of the container's own namespaces. */
export function checkSysctls(sysctls: Record<string, string>, host: SharedWithHost): void {
  for (const name of Object.keys(sysctls)) {
    if (name.startsWith('net.')) {
      if (host.network) throw invalid(`sysctl "${name}" not allowed in host network namespace`);
    } else if (IPC_SYSCTLS.has(name) || name.startsWith('fs.mqueue.')) {
      if (host.ipc) throw invalid(`sysctl "${name}" is not allowed in the hosts ipc namespace`);
    } else if (name !== 'kernel.domainname' || host.uts) {
      throw invalid(`sysctl "${name}" is not in a separate kernel namespace`, {
        hint: 'Only net.*, fs.mqueue.*, kernel.msg*, kernel.shm*, kernel.sem and kernel.domainname belong to one container.',
      });
    }
  }
}

function hasOwnNetwork(mode: string): boolean {
  return mode !== 'host' && !mode.startsWith('container:');
}
