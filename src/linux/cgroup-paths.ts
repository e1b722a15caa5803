import { join, posix } from 'node:path';
import { invalid } from '#errors/errors.ts';
import type { CgroupSupport } from './cgroup.ts';

/** Who makes and removes the groups of containers: the OCI runtime by itself, or systemd for it. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

/** The groups that hold all containers' groups when neither the engine nor the container names another. */
const DEFAULT_PARENT: Readonly<Record<CgroupDriver, string>> = { cgroupfs: '/wherry', systemd: 'system.slice' };

export interface ContainerCgroup {
  /** Below the root of every hierarchy. */
  path: string;
  /** The same for the OCI runtime (config-linux.md, cgroupsPath); `slice:prefix:name` for systemd's. */
  cgroupsPath: string;
}

/**
 * The control group of a container below `parent` (empty = the default): for cgroupfs a path, where a relative one counts
 * from the root and `..` stops there; for systemd a slice, in which the container is a scope. Throws `invalid`, in
 * Docker's words, for what is no slice then.
 */
export function containerCgroup(driver: CgroupDriver, parent: string, id: string): ContainerCgroup {
  const within = parent || DEFAULT_PARENT[driver];
  if (driver === 'cgroupfs') {
    const path = posix.join('/', within, id);
    return { path, cgroupsPath: path };
  }
  return { path: `${slicePath(within)}/wherry-${id}.scope`, cgroupsPath: `${within}:wherry:${id}` };
}

/** `a-b.slice` lies in `a.slice`; `-.slice` is the root (systemd.slice(5)). */
function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const name = /^([^/]+)\.slice$/.exec(slice)?.[1];
  if (name === undefined || name.split('-').includes('')) {
    throw invalid('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"', {
      hint: `${JSON.stringify(slice)} is none. With native.cgroupdriver=cgroupfs a path would do.`,
    });
  }
  const parts = name.split('-');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}

/** The folder of a container's group in the hierarchy of `controller`; undefined when that is not mounted. */
export function cgroupFolder(support: CgroupSupport, controller: string, path: string): string | undefined {
  const root = support.controllers.get(controller);
  return root === undefined ? undefined : join(root, path);
}

/** A folder that lists the group's processes. */
export function processFolder(support: CgroupSupport, path: string): string {
  const root =
    support.version === 2
      ? support.unified
      : ['freezer', 'pids', 'devices'].map((c) => support.controllers.get(c)).find(Boolean);
  return join(root ?? [...support.controllers.values()][0]!, path);
}

/** Files whose line `oom_kill N` counts processes that were killed for want of memory. */
export function oomFiles(support: CgroupSupport, path: string): string[] {
  const folder = cgroupFolder(support, 'memory', path);
  if (folder === undefined) return [];
  return [join(folder, support.version === 2 ? 'memory.events' : 'memory.oom_control')];
}
