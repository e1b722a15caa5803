import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import type { CgroupSupport } from './cgroup.ts';

/**
 * Gives a function to be called when the start of a process in a group is near, and again until it is there. The first move of
 * a process into a group after an idle moment waits for an RCU grace period (10 to 20 ms, `rcu_sync` in the kernel's
 * percpu-rwsem.c), one that comes within the next grace period does not. So this process is written into the group it is in,
 * which changes nothing, and the wait goes on beside the work that comes before the start. What it gives resolves when the
 * kernel is warm; calls meanwhile share it.
 */
export function cgroupWarmer(support: CgroupSupport): () => Promise<void> {
  let warming: Promise<void> | undefined;
  return () => {
    warming ??= writeIntoOwnGroup(support).finally(() => {
      warming = undefined;
    });
    return warming;
  };
}

/** In one hierarchy: all share the lock that is waited for. */
async function writeIntoOwnGroup(support: CgroupSupport): Promise<void> {
  const hierarchies = (await readFile('/proc/self/cgroup', 'utf8')).split('\n').map((line) => line.split(':'));
  const controller = support.version === 2 ? '' : 'pids';
  const own = hierarchies.find(([, names, path]) => path !== undefined && names!.split(',').includes(controller));
  const root = support.version === 2 ? support.unified! : support.controllers.get(controller);
  if (!own || root === undefined) return;
  const file = join(root, own.slice(2).join(':'), 'cgroup.procs');
  await writeFile(file, String(process.pid), { flag: 'r+' }).catch((error: unknown) => {
    const code = errnoCode(error);
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  });
}
