import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectMonitor, type MonitorControl } from '#runtime/monitor.ts';
import { type MonitorOptions, monitorArguments } from '#runtime/monitor-arguments.ts';
import { makeRootfs, ociProcess, type TestContainer, type TestProcess, writeBundle } from './bundle.ts';
import { nativeProgram } from './launcher.ts';

export interface TestMonitor {
  /** The container's id at the runtime. */
  id: string;
  directory: string;
  socket: string;
  exitFile: string;
  log: string;
  process: ChildProcess;
  /** Its stderr: nothing, or what a sanitizer found. */
  errors: () => string;
  control: MonitorControl;
}

export interface TestMonitorOptions extends Partial<MonitorOptions> {
  container?: TestContainer;
  /** An exec in the container with this id instead of a container. */
  exec?: { id: string; process: TestProcess };
  /** Path of its socket. */
  socket?: string;
  /** Built with sanitizers, whatever WHERRY_TEST_ASAN says. */
  sanitized?: boolean;
}

/**
 * A place for monitors of one test file: root file system, runtime state, one directory per monitor. `close` ends
 * what is left and removes everything; it throws when a sanitizer complained.
 */
export function monitorRoom(runtime = '/usr/sbin/runc') {
  const root = mkdtempSync(join(tmpdir(), 'wherry-monitor-'));
  const rootfs = join(root, 'rootfs');
  const runtimeRoot = join(root, 'state');
  const monitors: TestMonitor[] = [];
  let count = 0;
  makeRootfs(rootfs);

  async function monitor(options: TestMonitorOptions): Promise<TestMonitor> {
    const started = await start(options);
    const result = { ...started, control: await connectMonitor(started.socket) };
    monitors.push(result);
    return result;
  }

  /** One that nobody has connected to yet. */
  async function start({ container, exec, sanitized, ...options }: TestMonitorOptions) {
    const number = count++;
    const id = exec?.id ?? `wherry-test-${process.pid}-${number}`;
    const directory = join(root, `m${number}`);
    const bundle = join(directory, 'bundle');
    const log = join(directory, 'json.log');
    const exitFile = join(directory, 'exit.json');
    const socket = options.socket ?? join(directory, 'monitor.sock');
    mkdirSync(directory);
    if (exec) writeFileSync(join(directory, 'process.json'), JSON.stringify(ociProcess(exec.process)));
    else writeBundle(bundle, rootfs, `/${id}`, container ?? { args: ['true'] });
    const cwd = options.directory ?? directory;
    const started = startMonitor(cwd, await listenAt(socket, join(root, `s${number}`)), [
      nativeProgram('wherry-monitor', { sanitized }),
      ...monitorArguments({
        runtime,
        runtimeRoot,
        id,
        what: exec ? { execProcess: join(directory, 'process.json') } : { bundle },
        directory,
        exitFile,
        tty: (exec?.process ?? container)?.terminal,
        log: { path: log },
        oomFile: container?.memory ? oomFile.replace('ID', id) : undefined,
        ...options,
      }),
    ]);
    return { id, directory, socket, exitFile, log, ...started };
  }

  async function close(): Promise<void> {
    for (const { control, process } of monitors) {
      await control.kill(9).catch(() => {});
      control.close();
      if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
    }
    rmSync(root, { recursive: true, force: true });
    const complaints = monitors.map(({ errors }) => errors()).filter((text) => text !== '');
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  }

  return { root, rootfs, runtime, runtimeRoot, monitor, start, close };
}

/** The same with crun, also on a hybrid cgroup host, where it wants to see no controller left on v2. */
export function crunRoom() {
  return monitorRoom(join(import.meta.dirname, 'crun-alone'));
}

/** A socket that listens at `path`, bound first at the shorter `temporary`: closing the server removes that name only. */
async function listenAt(path: string, temporary: string): Promise<Server> {
  const server = createServer();
  server.listen(temporary);
  await once(server, 'listening');
  renameSync(temporary, path);
  return server;
}

/** Starts a monitor as the launcher does: in its directory, with a listening socket as descriptor 3. */
function startMonitor(cwd: string, server: Server, argv: string[]) {
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const child = spawn(argv[0]!, argv.slice(1), { cwd, stdio: ['ignore', 'ignore', 'pipe', fd], detached: true });
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  server.close();
  return { process: child, errors: () => text };
}

const oomFile = existsSync('/sys/fs/cgroup/memory')
  ? '/sys/fs/cgroup/memory/ID/memory.oom_control'
  : '/sys/fs/cgroup/ID/memory.events';

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

/** Text of both streams from Docker's frames. */
export function demultiplex(text: string): { stdout: string; stderr: string } {
  const bytes = Buffer.from(text);
  const result = { stdout: '', stderr: '' };
  for (let offset = 0; offset < bytes.length; ) {
    const length = bytes.readUInt32BE(offset + 4);
    const part = bytes.toString('utf8', offset + 8, offset + 8 + length);
    result[bytes[offset] === 1 ? 'stdout' : 'stderr'] += part;
    offset += 8 + length;
  }
  return result;
}

/** All bytes of a stream as a string. */
export async function readAll(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The entries of a json-file log. */
export function readLog(path: string): { log: string; stream: string; time: string; attrs?: unknown }[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}
