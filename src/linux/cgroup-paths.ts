import { join, posix } from 'node:path';
import type { CgroupSupport } from './cgroup.ts';

/** The group that holds all containers' groups when neither the engine nor the container names another. */
export const DEFAULT_CGROUP_PARENT = '/wherry';

/**
 * The control group of a container, as a path below the root of every hierarchy (the cgroupfs driver's form).
 * A relative parent counts from the root and `..` stops there.
 */
export function containerCgroup(parent: string, id: string): string {
  return posix.join('/', parent || DEFAULT_CGROUP_PARENT, id);
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
