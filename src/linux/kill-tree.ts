import { readdir, readFile } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';

/**
 * Kills a process and all that it has started, itself or through others that still live. Each is stopped before its
 * children are looked for, so that none can start another meanwhile; who has left its parents before is not found.
 */
export async function killTree(pid: number): Promise<void> {
  const found: number[] = [];
  const visit = async (process: number): Promise<void> => {
    if (!signal(process, 'SIGSTOP')) return;
    found.push(process);
    for (const child of await childrenOf(process)) await visit(child);
  };
  await visit(pid);
  for (const process of found) signal(process, 'SIGKILL');
}

/** Source: proc_pid_task(5), proc_pid_children(5). */
async function childrenOf(pid: number): Promise<number[]> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8')));
    return lists.join(' ').split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return [];
    throw error;
  }
}

/** False for a process that is not there. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (errnoCode(error) === 'ESRCH') return false;
    throw error;
  }
}
