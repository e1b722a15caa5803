/** Debian's docker-registry in a namespace of the test's own; `close` leaves nothing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from './certificates.ts';

export interface RegistryOptions {
  /** Where it listens on 127.0.0.1: the path of a network namespace, and the port there (default 5000). */
  netns: string;
  port?: number;
  /** HTTPS with this certificate; with `clientCa` it asks clients for one of that authority. */
  tls?: Certificate & { clientCa?: string };
  /** Basic auth: passwords by user. */
  users?: Record<string, string>;
  /** Bearer tokens of the server at `realm`, signed by the key of `certificate` (a PEM file). */
  token?: { realm: string; service: string; issuer: string; certificate: string };
  /** Listens on `front` (a unix socket) instead of a port, for a proxy of the test's own process before it. */
  behindProxy?: boolean;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

export interface TestRegistry {
  /** `127.0.0.1:PORT`, the first part of an image's name. */
  host: string;
  /** With `behindProxy`, the unix socket on which it listens. */
  front: string;
  /** A unix socket with a second registry over the same storage: plain HTTP, everything allowed. */
  back: string;
  folder: string;
  /** Asks the one at `back`: what is stored, or puts something there. */
  ask(method: string, path: string, options?: { headers?: Record<string, string>; body?: Buffer }): Promise<Answer>;
  log(): string;
  close(): Promise<void>;
}

export async function startRegistry(options: RegistryOptions): Promise<TestRegistry> {
  const folder = await mkdtemp('/var/tmp/wherry-test-registry-');
  const { port = 5000 } = options;
  const front = join(folder, 'front.sock');
  const back = join(folder, 'back.sock');
  await mkdir(join(folder, 'storage'));
  if (options.users) await writeFile(join(folder, 'htpasswd'), passwordFile(options.users));
  const frontAddress = options.behindProxy ? { net: 'unix', addr: front } : { net: 'tcp', addr: `127.0.0.1:${port}` };
  const output: string[] = [];
  const children = [
    await start(folder, options.netns, 'front', { ...configuration(folder, options), address: frontAddress }, output),
    await start(folder, options.netns, 'back', { address: { net: 'unix', addr: back } }, output),
  ];
  const registry: TestRegistry = {
    host: `127.0.0.1:${port}`,
    front,
    back,
    folder,
    ask: (method, path, more = {}) => ask(back, method, path, more),
    log: () => output.join(''),
    async close() {
      await Promise.all(children.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
  for (let tries = 0; !(output.filter((text) => text.includes('listening on')).length >= 2); tries++) {
    if (tries > 1000 || children.some((child) => child.exitCode !== null)) {
      await registry.close();
      throw new Error(`docker-registry did not get ready:\n${registry.log()}`);
    }
    await sleep(10);
  }
  return registry;
}

interface Configuration {
  address: { net: string; addr: string };
  tls?: object;
  auth?: object;
}

function configuration(folder: string, { tls, users, token }: RegistryOptions): Omit<Configuration, 'address'> {
  return {
    tls: tls && { certificate: tls.cert, key: tls.key, ...(tls.clientCa && { clientcas: [tls.clientCa] }) },
    auth: users
      ? { htpasswd: { realm: 'wherry-test', path: join(folder, 'htpasswd') } }
      : token && {
          token: {
            realm: token.realm,
            service: token.service,
            issuer: token.issuer,
            rootcertbundle: token.certificate,
          },
        },
  };
}

/** The configuration is YAML, of which JSON is a part. */
async function start(folder: string, netns: string, name: string, config: Configuration, output: string[]) {
  const file = join(folder, `${name}.yml`);
  const { address, tls, auth } = config;
  const storage = { filesystem: { rootdirectory: join(folder, 'storage') }, delete: { enabled: true } };
  const http = { ...address, secret: 'shared', ...(tls && { tls }) };
  const log = { accesslog: { disabled: false }, level: 'info' };
  await writeFile(file, JSON.stringify({ version: '0.1', log, storage, http, ...(auth && { auth }) }));
  const child = spawn('nsenter', [`--net=${netns}`, 'docker-registry', 'serve', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => output.push(String(text)));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** docker-registry takes bcrypt only, which libcrypt makes for perl's `crypt`. */
function passwordFile(users: Record<string, string>): string {
  const salt = '$2y$05$abcdefghijklmnopqrstuu';
  const lines = Object.entries(users).map(([user, password]) => {
    const hash = execFileSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, salt], { encoding: 'utf8' });
    return `${user}:${hash}\n`;
  });
  return lines.join('');
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: Buffer },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers: { Host: 'registry', ...headers } }, (reply) => {
      const pieces: Buffer[] = [];
      reply.on('data', (piece) => pieces.push(piece));
      reply.on('error', reject);
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(pieces) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
