/** A whole wherryd for a test: its own network namespace, data-root and socket; `close` proves that nothing is left. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { busyboxArchive } from './images.ts';
import { makeNamespace } from './netns.ts';

const root = join(import.meta.dirname, '../..');
/** Images cannot be mounted from a tmpfs, which /tmp may be. */
const folder = '/var/tmp/wherry-test-';

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

export interface TestDaemon {
  socket: string;
  host: string;
  folder: string;
  dataRoot: string;
  execRoot: string;
  netns: { name: string; path: string };
  /** What the daemon logged so far. */
  log(): string;
  launcherPid(): number;
  enginePid(): Promise<number>;
  /** Runs docker's own CLI against this daemon. */
  docker(args: string[], options?: { input?: string | Buffer; env?: Record<string, string> }): Promise<Output>;
  wherry(args: string[], options?: { input?: string | Buffer; env?: Record<string, string> }): Promise<Output>;
  /** Like `docker`, but fails unless the code is 0; gives stdout without its last newline. */
  ok(args: string[], options?: { input?: string | Buffer }): Promise<string>;
  /** SIGTERM; containers live on. */
  stop(): Promise<void>;
  /** SIGKILL of launcher and engine, then of all that they have started. */
  killAll(): Promise<void>;
  /** Starts it again, with the same folders. */
  start(extra?: string[], env?: Record<string, string>): Promise<void>;
  /** Resolves when /_ping answers. */
  ready(): Promise<void>;
  /** Removes what a test has left, running or not, with its anonymous volumes. */
  removeContainers(): Promise<void>;
  /** Removes everything and throws when a mount, process, cgroup or namespace of this daemon is left. */
  close(): Promise<void>;
}

export interface DaemonOptions {
  /** More flags of wherryd. */
  flags?: string[];
  env?: Record<string, string>;
  /** Called with the data-root before the first start: mounts a file system there, for example. */
  prepare?: (dataRoot: string) => Promise<void>;
  /** Load busybox:latest (default true). */
  busybox?: boolean;
}

export async function startDaemon(options: DaemonOptions = {}): Promise<TestDaemon> {
  const base = await mkdtemp(folder);
  await writeFile(join(base, 'daemon.json'), '{}');
  const netns = await makeNamespace();
  const socket = join(base, 'wherry.sock');
  const dataRoot = join(base, 'data');
  const execRoot = join(base, 'exec');
  let launcher: ReturnType<typeof spawn> | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let log = '';

  const client =
    (program: string) =>
    (args: string[], { input = '', env = {} }: { input?: string | Buffer; env?: object } = {}) =>
      run(program, ['-H', `unix://${socket}`, ...args], input, { ...process.env, DOCKER_CONFIG: base, ...env });

  const daemon: TestDaemon = {
    socket,
    host: `unix://${socket}`,
    folder: base,
    dataRoot,
    execRoot,
    netns,
    log: () => log,
    launcherPid: () => launcher!.pid!,
    enginePid: () => engineBelow(launcher!.pid!),
    docker: client('docker'),
    wherry: client(join(root, 'bin/wherry')),
    async ok(args, more) {
      const { code, stdout, stderr } = await daemon.docker(args, more);
      if (code !== 0) throw new Error(`docker ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`);
      return stdout.replace(/\n$/, '');
    },
    async start(extra = [], env = {}) {
      const flags = [
        ...['--data-root', dataRoot, '--exec-root', execRoot, '--pidfile', join(base, 'wherry.pid')],
        ...['-H', `unix://${socket}`, '--config-file', join(base, 'daemon.json')],
        ...storageDriver([...(options.flags ?? []), ...extra]),
        ...(options.flags ?? []),
        ...extra,
      ];
      launcher = spawn('nsenter', [`--net=${netns.path}`, join(root, 'bin/wherryd'), ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, WHERRY_FAULT_FILE: faultFile(base), ...options.env, ...env },
      });
      ended = new Promise((resolve) => launcher!.once('exit', resolve));
      const start = log.length;
      for (const stream of [launcher.stdout!, launcher.stderr!]) stream.on('data', (chunk) => (log += chunk));
      await daemon.ready();
      // From then on the launcher starts another engine when this one is killed.
      const tells = !flags.some((flag) => flag.startsWith('--log-'));
      while (tells && !log.includes('msg=ready', start) && launcher.exitCode === null) await sleep(2);
    },
    async ready() {
      for (let tries = 0; !(await ping(socket)); tries++) {
        if (launcher!.exitCode !== null || tries > 6000) throw new Error(`wherryd did not get ready:\n${log}`);
        await sleep(10);
      }
    },
    async removeContainers() {
      const ids = (await daemon.docker(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
      if (ids.length > 0) await daemon.docker(['rm', '-f', '-v', ...ids]);
    },
    async stop() {
      launcher?.kill('SIGTERM');
      await ended;
    },
    async killAll() {
      launcher?.kill('SIGKILL');
      await ended;
      for (let pids = await processesNaming(base); pids.length > 0; pids = await processesNaming(base)) {
        for (const { pid } of pids) killProcess(pid);
        await sleep(5);
      }
    },
    async close() {
      const problems: string[] = [];
      if (launcher && launcher.exitCode === null && launcher.signalCode === null) {
        await daemon.removeContainers();
        await daemon.stop();
      }
      problems.push(...(await leftovers(base)));
      await cleanUp(base);
      await netns.remove();
      await rm(base, { recursive: true, force: true });
      if (problems.length > 0) throw new Error(`wherryd left behind:\n${problems.join('\n')}\n${log}`);
    },
  };
  try {
    await options.prepare?.(dataRoot);
    await daemon.start();
    if (options.busybox !== false) await daemon.ok(['load', '-q', '-i', await busyboxArchive()]);
  } catch (error) {
    await daemon.stop();
    await cleanUp(base);
    await netns.remove();
    await rm(base, { recursive: true, force: true });
    throw error;
  }
  return daemon;
}

/** Where the engine of the daemon in `folder` looks for the write step at which it is to die; see src/lib/write-steps.ts. */
export const faultFile = (folder: string) => join(folder, 'fault');

/** Runs a program to its end. */
export function run(program: string, args: string[], input: string | Buffer, env: NodeJS.ProcessEnv): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, maxBuffer: 1 << 28, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
}

/** The driver of `WHERRY_TEST_STORAGE_DRIVER`, unless the test's flags name one. */
function storageDriver(flags: string[]): string[] {
  const wanted = process.env.WHERRY_TEST_STORAGE_DRIVER;
  return wanted && !flags.includes('--storage-driver') ? ['--storage-driver', wanted] : [];
}

function ping(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => connection.write('GET /_ping HTTP/1.0\r\n\r\n'));
    connection.setTimeout(5000, () => connection.destroy());
    connection.once('data', (data) => {
      connection.destroy();
      resolve(data.includes('200'));
    });
    connection.once('error', () => resolve(false));
    connection.once('close', () => resolve(false));
  });
}

/**
 * The launcher's child that is the engine; NaN while there is none. The kernel leaves children out of its list when others
 * end while it is read (proc_pid_children(5)), hence several looks.
 */
async function engineBelow(launcher: number): Promise<number> {
  for (let look = 0; look < 5; look++) {
    const children = await readFile(`/proc/${launcher}/task/${launcher}/children`, 'utf8');
    for (const pid of children.split(' ').filter(Boolean)) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('wherryd.ts')) return Number(pid);
    }
  }
  return Number.NaN;
}

/** Processes whose command line names the folder, and mounts below it. Monitors may take a moment to end. */
async function leftovers(base: string): Promise<string[]> {
  let found: string[] = [];
  for (let tries = 0; tries < 1000; tries++) {
    found = [
      ...(await processesNaming(base)).map((p) => `process ${p.pid}: ${p.command}`),
      ...(await containerMounts(base)),
    ];
    if (found.length === 0) break;
    await sleep(20);
  }
  return found;
}

/** Shared layers may stay mounted while their image exists; a container's mounts may not. */
async function containerMounts(base: string): Promise<string[]> {
  return (await mountsBelow(base)).filter((path) => path.includes('/graph/containers/')).map((path) => `mount ${path}`);
}

async function mountsBelow(base: string): Promise<string[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').flatMap((line) => (line.split(' ')[4]?.startsWith(base) ? [line.split(' ')[4]!] : []));
}

async function processesNaming(base: string): Promise<{ pid: number; command: string }[]> {
  const found: { pid: number; command: string }[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(base)) found.push({ pid: Number(name), command: command.replaceAll('\0', ' ') });
  }
  return found;
}

async function cleanUp(base: string): Promise<void> {
  for (const { pid } of await processesNaming(base)) {
    killProcess(pid);
  }
  for (const path of (await mountsBelow(base)).reverse()) {
    if (existsSync(path)) await run('umount', ['-l', path], '', process.env);
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {} // it has ended meanwhile
}
