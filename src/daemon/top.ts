import { readFile } from 'node:fs/promises';
import type { TopResponse } from '#api/types/container.ts';
import { eventAttributes } from '#container/description.ts';
import { conflict, system } from '#errors/errors.ts';
import { cgroupProcesses } from '#linux/cgroup-control.ts';
import { type ProcessInfo, readProcesses, TICKS, terminalName } from '#linux/processes.ts';
import { ProgramError, run } from '#programs/run.ts';
import type { Engine } from './engine.ts';
import { cgroupPath } from './launch/launch-spec.ts';
import { refuseRestarting } from './refusals.ts';

/** What `ps -ef` shows, and `docker top` without arguments. */
const FULL_TITLES = ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'];

/**
 * `GET /containers/{id}/top`: the processes of a running container, as the host sees them. `-ef`, which nearly everybody
 * asks for, is read from /proc; other `arguments` are for the host's ps. Throws `conflict` unless it runs, and `system`
 * with the words of ps.
 */
export async function containerTop(engine: Engine, id: string, psArguments: string): Promise<TopResponse> {
  refuseRenamedPid(psArguments);
  const container = engine.containers.get(id);
  refuseRestarting(container);
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  const pids = await cgroupProcesses(engine.cgroups, cgroupPath(engine, container));
  const answer = psArguments === '-ef' ? await fullList(pids) : await askPs(psArguments, new Set(pids));
  engine.events.publish('container', 'top', container.id, eventAttributes(container));
  return answer;
}

/** A column that only pretends to be the process id could tell of processes of others. */
function refuseRenamedPid(psArguments: string): void {
  for (const [, column, title] of psArguments.matchAll(/\s+([^\s=]*)=\s*(PID\S*)/g)) {
    if (column !== 'pid') throw system(`specifying "${column}=${title}" is not allowed`);
  }
}

async function fullList(pids: readonly number[]): Promise<TopResponse> {
  const [processes, users, uptime] = await Promise.all([
    readProcesses(pids),
    userNames(),
    readFile('/proc/uptime', 'utf8'),
  ]);
  const ticks = Number.parseFloat(uptime) * TICKS;
  const byAge = processes.sort((a, b) => a.startTime - b.startTime || a.pid - b.pid);
  return { Titles: FULL_TITLES, Processes: byAge.map((process) => fullRow(process, users, ticks)) };
}

function fullRow(process: ProcessInfo, users: ReadonlyMap<string, string>, ticks: number): string[] {
  const { pid, ppid, uid, tty, used, startTime, command } = process;
  const age = Math.max(1, ticks - startTime);
  return [
    users.get(String(uid)) ?? String(uid),
    String(pid),
    String(ppid),
    String(Math.min(99, Math.floor((used * 100) / age))),
    startText(new Date(Date.now() - (age * 1000) / TICKS), new Date()),
    terminalName(tty),
    cpuTime(Math.floor(used / TICKS)),
    command,
  ];
}

/** The time of today, else the day, else the year. */
function startText(start: Date, now: Date): string {
  if (start.getFullYear() !== now.getFullYear()) return String(start.getFullYear());
  if (start.toDateString() === now.toDateString()) return start.toTimeString().slice(0, 5);
  return `${start.toDateString().slice(4, 7)}${String(start.getDate()).padStart(2, '0')}`;
}

/** `[days-]hours:minutes:seconds` */
function cpuTime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  return `${days > 0 ? `${days}-` : ''}${clock.map((part) => String(part).padStart(2, '0')).join(':')}`;
}

/** Users of the host, by id; ps cuts long names off. */
async function userNames(): Promise<Map<string, string>> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.split(':'));
  const entries = lines.flatMap(([name = '', , id]) => (id === undefined ? [] : [[id, shortName(name)] as const]));
  return new Map(entries.reverse());
}

const shortName = (name: string) => (name.length > 8 ? `${name.slice(0, 7)}+` : name);

/** First asks for these processes only, which not every set of arguments allows. */
async function askPs(psArguments: string, pids: ReadonlySet<number>): Promise<TopResponse> {
  const words = psArguments.split(/\s+/).filter((word) => word !== '');
  const selected = [...words, `-q${[...pids].join(',')}`];
  const output = await ps(selected).catch(() => ps(words));
  return choose(output, pids);
}

async function ps(words: string[]): Promise<string> {
  try {
    return (await run('ps', words)).toString();
  } catch (error) {
    if (!(error instanceof ProgramError) || error.exitCode === null) throw error;
    throw system(`ps: ${error.stderr.split('\n').find((line) => line !== '') ?? 'it failed'}`, { cause: error });
  }
}

/** The rows of these processes; what follows the last title is one column. */
function choose(output: string, pids: ReadonlySet<number>): TopResponse {
  const [head = '', ...lines] = output.split('\n');
  const titles = head.split(/\s+/).filter((word) => word !== '');
  const pidColumn = titles.indexOf('PID');
  if (pidColumn < 0) throw system("Couldn't find PID field in ps output");
  const rows = lines.map((line) => line.split(/\s+/).filter((word) => word !== ''));
  const wanted = rows.filter((row) => pids.has(Number(row[pidColumn])));
  const last = titles.length - 1;
  return { Titles: titles, Processes: wanted.map((row) => [...row.slice(0, last), row.slice(last).join(' ')]) };
}
