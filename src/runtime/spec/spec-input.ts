import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import type { ResolvedMount } from '#volume/resolved-mount.ts';
import type { HostFacts } from './host-facts.ts';
import type { ResolvedBlockIO, ResolvedDevices } from './resolve-devices.ts';
import type { ResolvedUser } from './resolve-user.ts';

/** A namespace of the container: its own new one, the host's, or the one that a file names (`/proc/PID/ns/ipc`). */
export type NamespaceChoice = 'private' | 'host' | { path: string };

export interface NamespaceChoices {
  /** `{path}` for a prepared sandbox; 'private' lets the runtime make an empty one. */
  network: NamespaceChoice;
  pid: NamespaceChoice;
  ipc: NamespaceChoice;
  uts: NamespaceChoice;
  cgroup: NamespaceChoice;
}

/** Everything that `buildSpec` needs, already resolved: no file is read and nothing is looked up while building. */
export interface SpecInput {
  id: string;
  /** Merged with the image's; `Hostname` is filled. */
  config: Config;
  /** With defaults filled (`withHostDefaults`); its `Ulimits` are the effective ones. */
  hostConfig: HostConfig;
  /** The mounted root file system. */
  rootfs: string;
  user: ResolvedUser;
  namespaces: NamespaceChoices;
  /** Binds, volumes and tmpfs, in the order given by `resolveMounts`. */
  mounts: readonly ResolvedMount[];
  /** Files of the engine that appear in /etc; an absent one is not mounted. */
  etc: { resolvConf?: string; hostname?: string; hosts?: string };
  /**
   * Host directory that is /dev/shm (of the container whose IPC namespace is joined, or a shareable one's own); absent =
   * the host's for `--ipc host`, else a new tmpfs of `ShmSize` bytes. Ignored for `--ipc none`.
   */
  shmPath?: string;
  devices: ResolvedDevices;
  blockIO: ResolvedBlockIO;
  cgroup: { version: 1 | 2; cgroupsPath: string };
  /** The host's path of the init program that `--init` runs as process 1. */
  initBinary?: string;
  host: HostFacts;
}
