/** An engine's networks for tests, in the network namespace of this process. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '#metadata/database.ts';
import type { AttachRequest } from '#network/attach-request.ts';
import type { Networks } from '#network/networks.ts';
import { openNetworks } from '#network/open-networks.ts';
import type { NetworkSettings } from '#network/settings.ts';
import { startLauncher, type TestLauncher } from './launcher.ts';

const run = promisify(execFile);

export interface TestNetworks {
  networks: Networks;
  launcher: TestLauncher['launcher'];
  execRoot: string;
  log: string[];
  /** Ends this engine and opens the next one on the same state; with `launcher` the launcher is a new one too. */
  restart(options?: { launcher?: boolean }): Promise<void>;
  /** Ends the engine and removes the bridge, the table and all files. */
  close(): Promise<void>;
}

/** Opened, but not yet reconciled. */
export async function openTestNetworks(settings: Partial<NetworkSettings> = {}): Promise<TestNetworks> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-networks-'));
  const log: string[] = [];
  const store = await openDatabase(join(folder, 'db'));
  let running = await startLauncher();
  const open = () =>
    openNetworks({
      store,
      launcher: running.launcher,
      execRoot: folder,
      settings,
      log: (message) => void log.push(message),
    });
  const closeState = async () => {
    await running.close();
    await store.close();
    await rm(folder, { recursive: true });
  };
  const networks = await open().catch(async (error) => {
    await closeState();
    throw error;
  });
  const test: TestNetworks = {
    networks,
    launcher: running.launcher,
    execRoot: folder,
    log,
    restart: async ({ launcher = false } = {}) => {
      await test.networks.close();
      if (launcher) {
        await running.close();
        running = await startLauncher();
        test.launcher = running.launcher;
      }
      test.networks = await open();
    },
    close: async () => {
      await test.restart();
      await test.networks.reconcile([]);
      await test.networks.close();
      await closeState();
      await run('nft', ['destroy', 'table', 'inet', 'wherry']);
      await run('ip', ['link', 'delete', settings.bridge ?? 'wherry0']);
    },
  };
  return test;
}

/** A container's id made from its name. */
export const idOf = (name: string): string => name.padEnd(64, '0');

export function attachRequest(name: string, more: Partial<AttachRequest> = {}): AttachRequest {
  return { containerId: idOf(name), name, mode: 'bridge', ...more };
}

/** Publishes the container's port 80/tcp. */
export function publish80(HostPort: string, HostIp = ''): Pick<AttachRequest, 'portBindings'> {
  return { portBindings: { '80/tcp': [{ HostIp, HostPort }] } };
}

/** Serves `answer` over HTTP (TCP) at a port in the namespace of a path until it is stopped. */
export async function serveHttp(path: string, port: number, answer: string): Promise<{ stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-httpd-'));
  await writeFile(join(folder, 'index.html'), answer);
  const child = spawn('nsenter', [`--net=${path}`, 'busybox', 'httpd', '-f', '-v', '-p', String(port), '-h', folder]);
  let seen = '';
  child.stderr.on('data', (chunk) => (seen += chunk));
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (let tries = 0; tries < 1000 && !(await listens(path, port)); tries++)
    await new Promise((next) => setTimeout(next, 20));
  return {
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function listens(path: string, port: number): Promise<boolean> {
  const { stdout } = await run('nsenter', [`--net=${path}`, 'cat', '/proc/net/tcp', '/proc/net/tcp6']);
  return stdout.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0`);
}

/** Asks for a URL from the namespace of a path; gives the body, or `refused`, `timeout`, ... */
export async function fetchFrom(path: string, url: string): Promise<string> {
  try {
    const args = [`--net=${path}`, 'busybox', 'wget', '-q', '-T', '2', '-O', '-', url];
    return (await run('nsenter', args, { timeout: 10_000 })).stdout;
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (/refused/.test(stderr)) return 'refused';
    if (/timed out/.test(stderr)) return 'timeout';
    return stderr.trim();
  }
}

export interface UdpReceiver {
  /** The messages so far, after one more that is sent by this namespace itself has arrived. */
  received(): Promise<string[]>;
  stop(): Promise<void>;
}

const RECEIVE = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message) => console.log(String(message)));
  socket.bind(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'));
`;

const SEND = `
  const [address, port, text] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket('udp4');
  socket.send(text, Number(port), address, () => socket.close());
`;

/** Receives datagrams at a port on every address in the namespace of a path. */
export async function receiveUdp(path: string, port: number): Promise<UdpReceiver> {
  const child = spawn('nsenter', [`--net=${path}`, process.execPath, '-e', RECEIVE, String(port)]);
  let seen = '';
  child.stdout.on('data', (chunk) => (seen += chunk));
  const until = async (word: string) => {
    while (!seen.includes(`${word}\n`)) await once(child.stdout, 'data');
  };
  await until('ready');
  return {
    received: async () => {
      await sendUdp(path, '127.0.0.1', port, 'last');
      await until('last');
      return seen.trim().split('\n').slice(1, -1);
    },
    stop: async () => {
      const ended = once(child, 'close');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Sends a datagram from the namespace of a path. */
export async function sendUdp(path: string, address: string, port: number, text: string): Promise<void> {
  await run('nsenter', [`--net=${path}`, process.execPath, '-e', SEND, address, String(port), text]);
}
