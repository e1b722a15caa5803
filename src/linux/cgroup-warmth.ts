import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import type { CgroupSupport } from './cgroup.ts';

/** Milliseconds for which this process is taken to stay in its group. */
const SETTLED = 1000;
/** Milliseconds after a write in which another one makes no difference. */
const PAUSE = 3;

/**
 * Gives a function to be called when the start of a process in a group is near, and again until it is there. The first move of
 * a process into a group after an idle moment waits for an RCU grace period (10 to 20 ms, `rcu_sync` in the kernel's
 * percpu-rwsem.c), one that comes within the next grace period does not. So this process is written into the group it is in,
 * which changes nothing, and the wait goes on beside the work that comes before the start. What it gives resolves when the
 * kernel is warm; calls meanwhile share it.
 */
export function cgroupWarmer(support: CgroupSupport): () => Promise<void> {
  let warming: Promise<void> | undefined;
  let nextAt = 0;
  let group: Promise<FileHandle | undefined> | undefined;
  const openForAWhile = () => {
    const opening = openOwnGroup(support);
    const forget = async () => {
      group = undefined;
      await (await opening.catch(() => undefined))?.close();
    };
    setTimeout(() => void forget(), SETTLED).unref();
    return opening;
  };
  const warm = async () => {
    try {
      group ??= openForAWhile();
      await (await group)?.write(String(process.pid)).catch(unlessGone);
      nextAt = performance.now() + PAUSE;
    } finally {
      warming = undefined;
    }
  };
  return async () => {
    if (performance.now() < nextAt) return;
    warming ??= warm();
    await warming;
  };
}

/** Where processes are written into the group of this one, in one hierarchy: all share the lock that is waited for. */
async function openOwnGroup(support: CgroupSupport): Promise<FileHandle | undefined> {
  const hierarchies = (await readFile('/proc/self/cgroup', 'utf8')).split('\n').map((line) => line.split(':'));
  const controller = support.version === 2 ? '' : 'pids';
  const own = hierarchies.find(([, names, path]) => path !== undefined && names!.split(',').includes(controller));
  const root = support.version === 2 ? support.unified! : support.controllers.get(controller);
  if (!own || root === undefined) return undefined;
  return open(join(root, own.slice(2).join(':'), 'cgroup.procs'), 'r+').catch(unlessGone);
}

function unlessGone(error: unknown): undefined {
  const code = errnoCode(error);
  if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
}
