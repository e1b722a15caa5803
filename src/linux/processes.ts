import { readFile } from 'node:fs/promises';
import { errnoCode } from '#errors/errors.ts';

/** A process as /proc tells of it; times in clock ticks of 1/100 s. */
export interface ProcessInfo {
  pid: number;
  ppid: number;
  uid: number;
  /** Device number of its terminal; 0 = none. */
  tty: number;
  /** CPU time used. */
  used: number;
  /** From the boot on. */
  startTime: number;
  /** Arguments; for a process without any, its name in brackets. */
  command: string;
}

/** Ticks in a second (USER_HZ), the same on every machine that Linux runs on. */
export const TICKS = 100;

/** Those of `pids` that are still there. Source: proc_pid_stat(5). */
export async function readProcesses(pids: readonly number[]): Promise<ProcessInfo[]> {
  const found = await Promise.all(pids.map(readProcess));
  return found.filter((process) => process !== undefined);
}

async function readProcess(pid: number): Promise<ProcessInfo | undefined> {
  try {
    const [stat, status, commandLine] = await Promise.all(
      ['stat', 'status', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')),
    );
    const nameEnd = stat!.lastIndexOf(')');
    const fields = stat!.slice(nameEnd + 2).split(' ');
    const name = stat!.slice(stat!.indexOf('(') + 1, nameEnd);
    const field = (number: number) => Number(fields[number - 3]);
    return {
      pid,
      ppid: field(4),
      uid: Number(/^Uid:\t\d+\t(\d+)/m.exec(status!)?.[1] ?? 0),
      tty: field(7),
      used: field(14) + field(15),
      startTime: field(22),
      command: commandLine!.replace(/\0+$/, '').replaceAll('\0', ' ') || `[${name}]`,
    };
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)); undefined when there is no such process. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** How `ps` calls the terminal of device number `tty` (major and minor as in proc_pid_stat(5)). */
export function terminalName(tty: number): string {
  const major = (tty >> 8) & 0xfff;
  const minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return '?';
}
