import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './measure.ts';

const cache = resolve(import.meta.dirname, '../.cache');
const sharedStorage = join(cache, 'bench-registry');

export interface BenchRegistry {
  /** `127.0.0.1:PORT` */
  host: string;
  stop(): Promise<void>;
}

/** Debian's docker-registry in the namespace at `netns`, by default over a storage that all engines share. */
export async function startRegistry(netns: string, storage = sharedStorage, port = 5000): Promise<BenchRegistry> {
  mkdirSync(storage, { recursive: true });
  const config = join(cache, `bench-registry-${process.pid}.json`);
  const host = `127.0.0.1:${port}`;
  const http = { addr: host, secret: 'bench' };
  writeFileSync(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http,
    }),
  );
  const child = spawn('nsenter', [`--net=${netns}`, 'docker-registry', 'serve', config], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  await answering(netns, host, child);
  return {
    host,
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(config, { force: true });
    },
  };
}

async function answering(netns: string, host: string, child: ChildProcess): Promise<void> {
  const ask = [
    'nsenter',
    `--net=${netns}`,
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}',
    `http://${host}/v2/`,
  ];
  while ((await run(ask, { quiet: true })) !== '200') {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    await sleep(20);
  }
}

/** Makes sure that the registry has the image of an archive as `<host>/<repository>:latest`, compressed with gzip. */
export async function publish(
  registry: BenchRegistry,
  netns: string,
  archive: string,
  repository: string,
): Promise<void> {
  const known = join(sharedStorage, 'docker/registry/v2/repositories', repository, '_manifests/tags');
  if (existsSync(known) && readdirSync(known).includes('latest')) return;
  const target = `docker://${registry.host}/${repository}:latest`;
  const copy = ['skopeo', 'copy', '-q', '--dest-tls-verify=false', `docker-archive:${archive}`, target];
  await run(['nsenter', `--net=${netns}`, ...copy]);
}
