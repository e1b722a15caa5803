/**
 * dockerd and wherryd are asked the same, one after the other: status and fields of the replies must be the same, and
 * their values of the same kind; null, [] and {} are different ones.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { type Dockerd, startDockerd } from '#test/support/dockerd.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { differences, shapeOf } from './shape.ts';

let daemon: TestDaemon;
let dockerd: Dockerd;
let sockets: string[];

before(async () => {
  [daemon, dockerd] = await Promise.all([startDaemon(), startDockerd()]);
  sockets = [dockerd.host.replace('unix://', ''), daemon.socket];
  await dockerd.ok('load', '-q', '-i', await busyboxArchive());
});
after(async () => {
  await Promise.all([daemon?.close(), dockerd?.close()]);
});

/** Whose keys are names of things. */
const MAPS =
  /(^|\.)(Labels|Volumes|ExposedPorts|Ports|PortBindings|Networks|EndpointsConfig|Options|Containers|Runtimes|Data|Tmpfs|Sysctls|Annotations|IndexConfigs|Attributes|DriverOpts)$/;

/** Where wherry differs, on purpose. Lists may be empty on one side only because of what the machines have. */
const ON_PURPOSE: [RegExp, why: string][] = [
  [
    /^GET \/(info|version)\b.* (Containerd|Platform|Components|.*Commit|GitCommit|BuildTime|DriverStatus|Plugins|Runtimes|Swarm|Warnings|ProductLicense|RegistryConfig|SecurityOptions|CDISpecDirs|Labels|GenericResources|DefaultAddressPools)/,
    'about the engine itself',
  ],
  [/GraphDriver\.Data/, 'of another driver'],
  [/ NetworkSettings\.Networks\.\*\.DNSNames/, 'names of a run that is over'],
  [/disconnect : 500 .* here 403 /, 'a mistake of the client is no failure of the engine'],
  [/[ .](GwPriority|EnableIPv4): absent there/, 'of a newer version; newer daemons send it to older clients, too'],
];

let found: string[] = [];
afterEach(() => {
  const all = found;
  found = [];
  assert.deepEqual(all, []);
});

async function same(method: string, path: string, body?: object): Promise<void> {
  const replies = [];
  for (const socket of sockets) replies.push(await ask(socket, method, `/v1.45${path}`, body));
  const [theirs, ours] = replies.map(({ text }) => shapeOf(parsed(text), (at) => MAPS.test(at)));
  const lines = differences(theirs!, ours!);
  if (replies[0]!.status !== replies[1]!.status) {
    lines.push(`: ${replies.map(({ status, text }) => `${status} ${text.trim()}`).join(' there, here ')}`);
  }
  const all = lines.map((line) => `${method} ${path} ${line}`);
  found.push(...all.filter((line) => !ON_PURPOSE.some(([pattern]) => pattern.test(line))));
}

/** JSON, or the lines of a stream of it, which may be more or fewer. */
function parsed(text: string): unknown {
  const lines = text.trim().split('\n').filter(Boolean);
  try {
    return lines.length > 1 ? lines.map((line) => JSON.parse(line)) : JSON.parse(text || 'null');
  } catch {
    return 'no JSON';
  }
}

const BOX = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } };

test('containers: created, running, paused, exited, removed', async () => {
  await same('POST', '/containers/create?name=box', BOX);
  await same('GET', '/containers/box/json');
  await same('GET', '/containers/json?all=1');
  await same('POST', '/containers/box/start');
  await same('POST', '/containers/box/start');
  await same('GET', '/containers/box/json?size=1');
  await same('GET', '/containers/json?size=1');
  await same('GET', '/containers/box/top');
  await same('GET', '/containers/box/changes');
  await same('POST', '/containers/box/update', { Memory: 64 << 20, MemorySwap: 64 << 20 });
  await same('POST', '/containers/box/pause');
  await same('GET', '/containers/box/json');
  await same('POST', '/containers/box/pause');
  await same('POST', '/containers/box/unpause');
  await same('POST', '/containers/box/unpause');
  await same('POST', '/containers/box/rename?name=other');
  await same('POST', '/containers/other/rename?name=');
  await same('POST', '/containers/other/kill?signal=NONSENSE');
  await same('DELETE', '/containers/other');
  await same('POST', '/containers/other/stop?t=0');
  await same('GET', '/containers/other/json');
  await same('POST', '/containers/other/kill');
  await same('POST', '/containers/other/wait');
  await same('GET', '/containers/other/top');
  await same('GET', '/containers/other/changes');
  await same('DELETE', '/containers/other?v=1');
  await same('POST', '/containers/prune');
  await same('GET', '/containers/json');
});

test('a container with more in it', async () => {
  const HostConfig = {
    NetworkMode: 'none',
    Mounts: [{ Type: 'volume', Source: 'vol', Target: '/v' }],
    Tmpfs: { '/t': '' },
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 },
    Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
    CapAdd: ['NET_ADMIN'],
    Dns: [],
    ExtraHosts: ['a:10.1.1.1'],
    Sysctls: {},
    Init: true,
  };
  const Healthcheck = { Test: ['CMD', 'true'], Interval: 1e9 };
  await same('POST', '/containers/create?name=more', {
    ...BOX,
    HostConfig,
    Healthcheck,
    Tty: true,
    OpenStdin: true,
    Labels: { a: 'b' },
    Env: [],
    Entrypoint: [],
    Volumes: { '/anonymous': {} },
    ExposedPorts: { '80/tcp': {} },
    StopTimeout: 3,
  });
  await same('GET', '/containers/more/json');
  await same('GET', '/containers/json?all=1');
  await same('GET', '/volumes');
  await same('GET', '/volumes/vol');
  await same('DELETE', '/volumes/vol');
  await same('DELETE', '/containers/more?v=1');
  await same('DELETE', '/volumes/vol');
  await same('DELETE', '/volumes/vol');
  await same('POST', '/volumes/create', {});
  await same('POST', '/volumes/create', {
    Name: 'made',
    DriverOpts: { type: 'tmpfs', device: 'tmpfs' },
    Labels: { a: 'b' },
  });
  await same('POST', '/volumes/prune?filters={"all":["1"]}');
  await same('GET', '/volumes');
});

test('execs', async () => {
  await same('POST', '/containers/create?name=execs', BOX);
  await same('POST', '/containers/execs/exec', { Cmd: ['true'] });
  await same('POST', '/containers/execs/start');
  await same('POST', '/containers/execs/exec', {});
  const ids = [];
  for (const socket of sockets) {
    const { text } = await ask(socket, 'POST', '/v1.45/containers/execs/exec', {
      Cmd: ['sh', '-c', 'exit 3'],
      AttachStdout: true,
    });
    ids.push(JSON.parse(text).Id as string);
  }
  for (const step of ['before', 'after']) {
    const shapes = [];
    for (const [at, socket] of sockets.entries()) {
      const { text } = await ask(socket, 'GET', `/v1.45/exec/${ids[at]}/json`);
      shapes.push(shapeOf(JSON.parse(text), () => false));
      if (step === 'before') await ask(socket, 'POST', `/v1.45/exec/${ids[at]}/start`, {});
    }
    assert.deepEqual(differences(shapes[0]!, shapes[1]!), [], step);
  }
  await same('GET', '/exec/nothing/json');
  await same('DELETE', '/containers/execs?force=1');
});

test('networks', async () => {
  await same('GET', '/networks/none');
  await same('GET', '/networks/host');
  await same('GET', '/networks/nothing');
  const IPAM = { Config: [{ Subnet: '10.55.0.0/24' }] };
  await same('POST', '/networks/create', { Name: 'net', IPAM, Labels: { a: 'b' } });
  await same('POST', '/networks/create', { Name: 'net' });
  await same('GET', '/networks/net');
  await same('GET', '/networks?filters={"name":["net"]}');
  await same('POST', '/containers/create?name=user', { ...BOX, HostConfig: { NetworkMode: 'net' } });
  await same('GET', '/containers/user/json');
  await same('POST', '/containers/user/start');
  await same('GET', '/containers/user/json');
  await same('GET', '/networks/net');
  await same('DELETE', '/networks/net');
  await same('POST', '/networks/net/disconnect', { Container: 'user' });
  await same('POST', '/networks/net/disconnect', { Container: 'user' });
  await same('DELETE', '/containers/user?force=1');
  await same('DELETE', '/networks/net');
  await same('DELETE', '/networks/net');
  await same('POST', '/networks/prune');
});

test('images, the engine', async () => {
  await same('GET', '/images/json');
  await same('GET', '/images/json?all=1&digests=1&shared-size=1');
  await same('GET', '/images/busybox/json');
  await same('GET', '/images/busybox/history');
  await same('GET', '/images/nothing/json');
  await same('POST', '/images/busybox/tag?repo=other&tag=x');
  await same('DELETE', '/images/other:x');
  await same('POST', '/images/prune');
  await same('GET', '/version');
  await same('GET', '/info');
  await same('GET', '/plugins');
  await same('GET', '/swarm');
  await same('GET', '/events?since=1&until=2');
  await same('POST', '/containers/create?name=x', BOX);
  await same('POST', '/containers/create', { ...BOX, HostConfig: { Memory: 1 } });
  await same('POST', '/containers/create', {});
});
