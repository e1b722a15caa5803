import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoCode, system } from '#errors/errors.ts';
import type { CgroupSupport } from './cgroup.ts';
import { cgroupFolder, oomFiles, processFolder } from './cgroup-paths.ts';

/** Milliseconds between two looks at a state that the kernel reaches in its own time. */
const POLL = 2;

/** The processes of a group and of the groups below it. Empty when the group does not exist. */
export async function cgroupProcesses(support: CgroupSupport, path: string): Promise<number[]> {
  return processesBelow(processFolder(support, path));
}

/**
 * Kills every process of a group and waits until none is left. Throws `system` after `timeoutMs`: a process in an
 * uninterruptible sleep.
 */
export async function killCgroup(support: CgroupSupport, path: string, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  if (support.version === 2) await writeIfThere(join(support.unified!, path, 'cgroup.kill'), '1');
  for (;;) {
    const pids = await cgroupProcesses(support, path);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    if (support.version === 1) await thaw(support, path);
    if (Date.now() > deadline) {
      throw system(`processes of ${path} do not die: ${pids.slice(0, 10).join(', ')}`, {
        hint: 'They wait for a device or a file system; look at /proc/PID/stack.',
      });
    }
    await sleep(POLL);
  }
}

/** How many processes of the host, in whichever group, the kernel has killed for want of memory. */
export async function countOomKillsOfHost(): Promise<number> {
  return Number(/^oom_kill (\d+)/m.exec(await readFile('/proc/vmstat', 'utf8'))?.[1] ?? 0);
}

/** How many processes of a group, and of those below it, the kernel has killed for want of memory. */
export async function countOomKills(support: CgroupSupport, path: string): Promise<number> {
  const texts = await Promise.all(oomFiles(support, path).map((file) => readFile(file, 'utf8').catch(ifThere)));
  return texts.reduce((sum, text) => sum + Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? 0), 0);
}

function ifThere(error: unknown): string {
  if (errnoCode(error) !== 'ENOENT' && errnoCode(error) !== 'ENODEV') throw error;
  return '';
}

/** Stops all processes of a group until `resumeCgroup`. Throws `system` when it takes more than `timeoutMs`. */
export async function pauseCgroup(support: CgroupSupport, path: string, timeoutMs = 5000): Promise<void> {
  await setFrozen(support, path, true, timeoutMs);
}

/** Undoes `pauseCgroup`. A group that has ended meanwhile is fine. */
export async function resumeCgroup(support: CgroupSupport, path: string, timeoutMs = 5000): Promise<void> {
  await setFrozen(support, path, false, timeoutMs).catch((error: unknown) => {
    if (errnoCode(error) !== 'ENOENT' && errnoCode(error) !== 'ENODEV') throw error;
  });
}

/** Whether `pauseCgroup` has stopped a group, or is about to. False for a group that is not there. */
export async function cgroupFrozen(support: CgroupSupport, path: string): Promise<boolean> {
  const { folder, file, frozen } = freezerOf(support, path);
  if (folder === undefined) return false;
  const text = await readFile(join(folder, file), 'utf8').catch((error: unknown) => {
    if (errnoCode(error) !== 'ENOENT' && errnoCode(error) !== 'ENODEV') throw error;
    return '';
  });
  return text.startsWith(frozen) || text.startsWith('FREEZING');
}

/** Where a group is frozen: the file that takes the words, and the one that tells when it has happened. */
function freezerOf(support: CgroupSupport, path: string) {
  if (support.version === 2) {
    const folder = join(support.unified!, path);
    return { folder, file: 'cgroup.freeze', frozen: '1', thawed: '0', watched: 'cgroup.events', prefix: 'frozen ' };
  }
  const folder = cgroupFolder(support, 'freezer', path);
  const file = 'freezer.state';
  return { folder, file, frozen: 'FROZEN', thawed: 'THAWED', watched: file, prefix: '' };
}

async function setFrozen(support: CgroupSupport, path: string, frozen: boolean, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  const freezer = freezerOf(support, path);
  const { folder, file, prefix } = freezer;
  if (folder === undefined) throw system(`cannot pause ${path}: the freezer controller is not mounted`);
  const value = frozen ? freezer.frozen : freezer.thawed;
  await writeFile(join(folder, file), value);
  while (!(await readFile(join(folder, freezer.watched), 'utf8')).split('\n').includes(`${prefix}${value}`)) {
    if (Date.now() > deadline)
      throw system(`${path} did not become ${frozen ? 'frozen' : 'thawed'} in ${timeoutMs} ms`);
    await sleep(POLL);
    if (support.version === 1) await writeFile(join(folder, file), value);
  }
}

/** A frozen process of v1 dies only when it is thawed. */
async function thaw(support: CgroupSupport, path: string): Promise<void> {
  const folder = cgroupFolder(support, 'freezer', path);
  if (folder !== undefined) await writeIfThere(join(folder, 'freezer.state'), 'THAWED');
}

async function processesBelow(folder: string): Promise<number[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const own = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter((line) => line !== '');
    const below = entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => processesBelow(join(folder, entry.name)));
    return [...own.map(Number), ...(await Promise.all(below)).flat()];
  } catch (error) {
    const code = errnoCode(error);
    if (code === 'ENOENT' || code === 'ENODEV') return [];
    throw error;
  }
}

async function writeIfThere(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'r+' }).catch((error: unknown) => {
    const code = errnoCode(error);
    if (code !== 'ENOENT' && code !== 'ENODEV') throw error;
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoCode(error) !== 'ESRCH') throw error;
  }
}
