/** Docker's own daemon, to compare with: its own network namespace and folders; `close` leaves nothing. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './daemon.ts';
import { makeNamespace } from './netns.ts';

export interface Dockerd {
  host: string;
  /** Runs docker's client against it; fails unless the code is 0. */
  ok(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

export interface DockerdOptions {
  /** The folder in which it makes its own. */
  parent?: string;
  /** The path of another's network namespace to live in. */
  netns?: string;
}

export async function startDockerd({ parent = '/var/tmp', netns }: DockerdOptions = {}): Promise<Dockerd> {
  const folder = await mkdtemp(join(parent, 'wherry-test-dockerd-'));
  const own = netns === undefined ? await makeNamespace() : undefined;
  const host = `unix://${folder}/api.sock`;
  const config = join(folder, 'daemon.json');
  await writeFile(config, '{}');
  await mkdir(join(folder, 'data'));
  const flags = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--config-file', config];
  const files = ['--pidfile', join(folder, 'pid'), '-H', host, '--iptables=false', '--bridge=none'];
  const child = spawn('nsenter', [`--net=${netns ?? own!.path}`, 'dockerd', ...flags, ...files], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (text) => (log = (log + text).slice(-4000)));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const docker = (args: string[]) =>
    run('docker', ['-H', host, ...args], '', { ...process.env, DOCKER_CONFIG: folder });
  const dockerd: Dockerd = {
    host,
    async ok(...args) {
      const { code, stdout, stderr } = await docker(args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')} failed with ${code}: ${stderr}${stdout}`);
      return stdout.replace(/\n$/, '');
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
      await unmountBelow(folder);
      await own?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
  for (let tries = 0; (await docker(['version'])).code !== 0; tries++) {
    if (child.exitCode !== null || tries > 600) {
      await dockerd.close();
      throw new Error(`dockerd did not get ready:\n${log}`);
    }
    await sleep(50);
  }
  return dockerd;
}

/** Storage drivers leave their folder mounted on itself. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const path of mounts.filter((mount) => mount.startsWith(folder)).reverse()) {
    await run('umount', ['-l', path], '', process.env);
  }
}
