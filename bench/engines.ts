import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './measure.ts';

const root = resolve(import.meta.dirname, '..');
const base = `/var/tmp/wherry-bench-${process.pid}`;
/** On a tmpfs, as where engines keep what a boot does not outlive. */
const runBase = `/run/wherry-bench-${process.pid}`;

export interface BenchEngine {
  name: 'wherry' | 'dockerd' | 'podman';
  /** The client's command line up to the verb: docker's own CLI for wherry and dockerd. */
  cli: string[];
  /** The same of the client that comes with the engine. */
  ownCli: string[];
  /** Absent = no daemon (podman). */
  socket?: string;
  /** Path of its network namespace. */
  netns: string;
  /** Part of the command line of every process of the engine, and of those that it has per container. */
  daemonProcess: RegExp;
  containerProcess: RegExp;
  stop(): Promise<void>;
}

/** A namespace with `lo` up: nothing that an engine does reaches the host's network. */
function makeNamespace(name: string): string {
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('nsenter', [`--net=/run/netns/${name}`, 'ip', 'link', 'set', 'lo', 'up']);
  return `/run/netns/${name}`;
}

async function waitForSocket(socket: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (child.exitCode !== null) throw new Error(`the daemon of ${socket} ended with ${child.exitCode}`);
    const reply = existsSync(socket) ? await run(['docker', '-H', `unix://${socket}`, 'version'], { quiet: true }) : '';
    if (reply.includes('Server')) return;
    await sleep(50);
  }
  throw new Error(`nobody answers at ${socket}`);
}

async function startDaemon(
  name: 'wherry' | 'dockerd',
  command: (folder: string, runFolder: string) => string[],
  processes: Pick<BenchEngine, 'daemonProcess' | 'containerProcess'>,
  client = 'docker',
): Promise<BenchEngine> {
  const folder = join(base, name);
  const runFolder = join(runBase, name);
  for (const path of [folder, runFolder]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, 'daemon.json'), '{}');
  const namespace = `wherry-bench-${process.pid}-${name}`;
  const path = makeNamespace(namespace);
  const socket = join(folder, 'api.sock');
  const log = join(folder, 'log');
  const child = spawn(
    'sh',
    ['-c', 'exec "$@" > "$0" 2>&1', log, 'nsenter', `--net=${path}`, ...command(folder, runFolder)],
    {
      stdio: 'ignore',
    },
  );
  const ended = new Promise((done) => child.once('exit', done));
  await waitForSocket(socket, child).catch((error) => {
    throw new Error(`${error.message}\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''}`);
  });
  const cli = ['docker', '-H', `unix://${socket}`];
  return {
    name,
    cli,
    ownCli: [client, '-H', `unix://${socket}`],
    socket,
    netns: path,
    ...processes,
    async stop() {
      const ids = (await run([...cli, 'ps', '-aq'])).split('\n').filter(Boolean);
      if (ids.length > 0) await run([...cli, 'rm', '-f', ...ids], { quiet: true });
      child.kill('SIGTERM');
      await ended;
      for (const path of [folder, runFolder]) unmountBelow(path);
      execFileSync('ip', ['netns', 'delete', namespace]);
      for (const path of [folder, runFolder]) rmSync(path, { recursive: true, force: true });
    },
  };
}

export function startWherry(): Promise<BenchEngine> {
  return startDaemon(
    'wherry',
    (folder, runFolder) => [
      ...[join(root, 'bin/wherryd'), '--data-root', join(folder, 'data'), '--exec-root', runFolder],
      ...['--pidfile', join(folder, 'pid'), '-H', `unix://${join(folder, 'api.sock')}`],
    ],
    {
      daemonProcess: /wherryd\.ts .*wherry-bench/,
      containerProcess: /wherry-monitor.*wherry-bench/,
    },
    join(root, 'bin/wherry'),
  );
}

export function startDockerd(): Promise<BenchEngine> {
  return startDaemon(
    'dockerd',
    (folder, runFolder) => [
      ...['dockerd', '--data-root', join(folder, 'data'), '--exec-root', runFolder],
      ...[
        '--pidfile',
        join(folder, 'pid'),
        '-H',
        `unix://${join(folder, 'api.sock')}`,
        '--config-file',
        join(folder, 'daemon.json'),
      ],
    ],
    {
      daemonProcess: /dockerd .*wherry-bench|containerd .*wherry-bench/,
      containerProcess: /containerd-shim-runc-v2.*wherry-bench|docker-proxy/,
    },
  );
}

/** podman has no daemon: every command is a process in its namespace. */
export async function preparePodman(): Promise<BenchEngine> {
  const folder = join(base, 'podman');
  const runFolder = join(runBase, 'podman');
  for (const path of [folder, runFolder]) mkdirSync(path, { recursive: true });
  const namespace = `wherry-bench-${process.pid}-podman`;
  const path = makeNamespace(namespace);
  const config = join(folder, 'containers.conf');
  writeFileSync(
    config,
    '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n[containers]\nlog_driver = "k8s-file"\n',
  );
  const cli = [
    ...['nsenter', `--net=${path}`, 'env', `CONTAINERS_CONF=${config}`, 'podman'],
    ...['--root', join(folder, 'root'), '--runroot', join(runFolder, 'run'), '--tmpdir', join(runFolder, 'tmp')],
  ];
  return {
    name: 'podman',
    cli,
    ownCli: cli,
    netns: path,
    daemonProcess: /^$/,
    containerProcess: /conmon .*wherry-bench/,
    async stop() {
      await run([...cli, 'rm', '-f', '-a', '-t', '0'], { quiet: true });
      for (const path of [folder, runFolder]) unmountBelow(path);
      execFileSync('ip', ['netns', 'delete', namespace]);
      for (const path of [folder, runFolder]) rmSync(path, { recursive: true, force: true });
    },
  };
}

function unmountBelow(folder: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  for (const line of mounts.reverse()) {
    const target = line.split(' ')[4];
    if (target?.startsWith(`${folder}/`)) execFileSync('umount', ['-l', target]);
  }
}

/**
 * On a hybrid machine crun (wherry's and podman's default) refuses a hugetlb controller that is left on v2, and dockerd
 * has no statistics while it is on v1, if only because somebody had it there before, and not mounted; a benchmark may
 * mount it. Gives what undoes it.
 */
export function completeCgroups(): () => void {
  const folder = '/sys/fs/cgroup/hugetlb';
  const hybrid = existsSync('/sys/fs/cgroup/unified/cgroup.controllers');
  if (!hybrid || readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder} `)) return () => {};
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'cgroup', '-o', 'hugetlb', 'cgroup', folder]);
  return () => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  };
}

export function removeBase(): void {
  for (const path of [base, runBase]) rmSync(path, { recursive: true, force: true });
}
