/**
 * The routes of early Docker, each called as a client of API 1.17 does. Those that are not there yet answer 501 and are
 * named in the last test: whoever adds one moves it up.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Answer, ask } from './support/ask.ts';
import { startDaemon, type TestDaemon } from './support/daemon.ts';
import { busyboxArchive } from './support/images.ts';
import { startRegistry } from './support/registry.ts';

/** Method and path of early Docker's route table (api/server/server.go of 1.5), in its order. */
const SEED = `
GET /_ping
GET /events
GET /info
GET /version
GET /images/json
GET /images/viz
GET /images/search
GET /images/get
GET /images/{name}/get
GET /images/{name}/history
GET /images/{name}/json
GET /containers/ps
GET /containers/json
GET /containers/{name}/export
GET /containers/{name}/changes
GET /containers/{name}/json
GET /containers/{name}/top
GET /containers/{name}/logs
GET /containers/{name}/stats
GET /containers/{name}/attach/ws
GET /exec/{id}/json
POST /auth
POST /commit
POST /build
POST /images/create
POST /images/load
POST /images/{name}/push
POST /images/{name}/tag
POST /containers/create
POST /containers/{name}/kill
POST /containers/{name}/pause
POST /containers/{name}/unpause
POST /containers/{name}/restart
POST /containers/{name}/start
POST /containers/{name}/stop
POST /containers/{name}/wait
POST /containers/{name}/resize
POST /containers/{name}/attach
POST /containers/{name}/copy
POST /containers/{name}/exec
POST /exec/{name}/start
POST /exec/{name}/resize
POST /containers/{name}/rename
DELETE /containers/{name}
DELETE /images/{name}
`
  .trim()
  .split('\n');

/** What another release brings. */
const NOT_YET = ['POST /build'];

const called = new Set<string>();
let daemon: TestDaemon;

before(async () => {
  daemon = await startDaemon({ busybox: false });
});
after(() => daemon.close());

interface Asked {
  name?: string;
  query?: Record<string, string>;
  body?: object | Buffer;
  headers?: Record<string, string>;
}

/** Calls a route by the name that it has in the table. */
function call(route: string, { name = '', query, body, headers }: Asked = {}): Promise<Answer> {
  assert.ok(SEED.includes(route), `${route} is one of the seed's`);
  called.add(route);
  const [method, path] = route.split(' ') as [string, string];
  const url = `/v1.17${path.replace(/\{\w+\}/, name)}${query ? `?${new URLSearchParams(query)}` : ''}`;
  return ask(daemon.socket, method, url, body, Buffer.isBuffer(body) ? 'application/x-tar' : undefined, headers);
}

/** Calls it, expects the status, and gives the JSON of the reply. */
// biome-ignore lint/suspicious/noExplicitAny: replies of every shape
async function get(status: number, route: string, asked: Asked = {}): Promise<any> {
  const reply = await call(route, asked);
  assert.equal(reply.status, status, `${route}: ${reply.text}`);
  // Errors were plain text.
  return reply.text === '' || status >= 400 ? reply.text : JSON.parse(reply.text);
}

const create = (name: string, body: object) =>
  get(201, 'POST /containers/create', { query: { name }, body: { Image: 'busybox', ...body } });

test('the engine: _ping, version, info', async () => {
  assert.equal((await call('GET /_ping')).text, 'OK');
  assert.equal((await get(200, 'GET /version')).Os, 'linux');
  assert.equal((await get(200, 'GET /info')).Containers, 0);
});

test('images: load, create, tag, list, history, json, get, viz, delete', async () => {
  assert.match((await call('POST /images/load', { body: await readFile(await busyboxArchive()) })).text, /busybox/);
  const name = 'busybox';
  const [image] = await get(200, 'GET /images/json', { query: { filter: 'busybox', all: '0' } });
  assert.deepEqual([image.RepoTags, image.VirtualSize], [['busybox:latest'], image.Size]);
  const inspected = await get(200, 'GET /images/{name}/json', { name });
  assert.deepEqual([inspected.Id, inspected.VirtualSize], [image.Id, image.Size]);
  assert.deepEqual((await get(200, 'GET /images/{name}/history', { name }))[0].Tags, ['busybox:latest']);
  await get(201, 'POST /images/{name}/tag', { name, query: { repo: 'other/name', tag: 'v1', force: '1' } });
  const one = await call('GET /images/{name}/get', { name: 'other/name:v1' });
  assert.match(one.text, /"RepoTags":\["other\/name:v1"\]/);
  const both = await call('GET /images/get', { query: { names: 'busybox' } });
  assert.match(both.text, /manifest\.json/);
  const dot = await call('GET /images/viz');
  assert.match(dot.text, /^digraph docker \{[\s\S]*other\/name:v1/);
  const [untagged] = await get(200, 'DELETE /images/{name}', {
    name: 'other/name:v1',
    query: { force: '0', noprune: '0' },
  });
  assert.deepEqual(untagged, { Untagged: 'other/name:v1' });
  const tar = Buffer.alloc(1024);
  const imported = await call('POST /images/create', { query: { fromSrc: '-', repo: 'empty' }, body: tar });
  assert.match(imported.text, /"status":"sha256:\w{64}"/);
  await get(200, 'DELETE /images/{name}', { name: 'empty' });
});

test('registries: auth, push, search, create by a pull', async () => {
  const registry = await startRegistry({ netns: daemon.netns.path, users: { anna: 'secret' } });
  try {
    const auth = { username: 'anna', password: 'secret', email: 'a@example.org', serveraddress: registry.host };
    assert.equal((await get(200, 'POST /auth', { body: auth })).Status, 'Login Succeeded');
    await get(401, 'POST /auth', { body: { ...auth, password: 'wrong' } });
    const headers = { 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64url') };
    const name = `${registry.host}/pushed`;
    await get(201, 'POST /images/{name}/tag', { name: 'busybox', query: { repo: name } });
    assert.match((await call('POST /images/{name}/push', { name, headers })).text, /latest: digest: sha256:\w{64}/);
    await get(200, 'DELETE /images/{name}', { name });
    assert.deepEqual((await get(200, 'GET /images/search', { query: { term: name }, headers }))[0].name, name);
    const pulled = await call('POST /images/create', { query: { fromImage: name, tag: 'latest' }, headers });
    assert.match(pulled.text, /Status: Downloaded newer image/);
    await get(200, 'DELETE /images/{name}', { name });
  } finally {
    await registry.close();
  }
});

test('a container as it was first created: limits beside the config, commands as texts', async () => {
  const { Id, Warnings } = await create('first', {
    Hostname: 'host',
    Memory: 64 << 20,
    MemorySwap: 128 << 20,
    CpuShares: 512,
    Cpuset: '0',
    AttachStdout: true,
    PortSpecs: null,
    Entrypoint: 'sleep',
    Cmd: '1000',
    Volumes: { '/data': {} },
    OpenStdin: false,
    NetworkDisabled: false,
  });
  assert.deepEqual(Warnings, []);
  await get(204, 'POST /containers/{name}/start', { name: 'first' });
  const container = await get(200, 'GET /containers/{name}/json', { name: 'first' });
  const cgroup = join('/wherry', Id);
  const limit = await anyOf([`memory${cgroup}/memory.limit_in_bytes`, `${cgroup}/memory.max`]);
  assert.equal(limit, String(64 << 20));
  assert.equal(await anyOf([`cpuset${cgroup}/cpuset.cpus`, `${cgroup}/cpuset.cpus`]), '0');
  const { Memory, CpuShares, Cpuset, Entrypoint, Cmd } = container.Config;
  assert.deepEqual([Memory, CpuShares, Cpuset, Entrypoint, Cmd], [64 << 20, 512, '0', ['sleep'], ['1000']]);
  assert.equal(container.VolumesRW['/data'], true);
  assert.match(container.Volumes['/data'], /^\/.+\/volumes\/\w{64}\/_data$/);
  assert.equal(container.State.Running, true);
  await get(304, 'POST /containers/{name}/start', { name: 'first' });
});

async function anyOf(paths: string[]): Promise<string> {
  for (const path of paths) {
    const text = await readFile(join('/sys/fs/cgroup', path), 'utf8').catch(() => undefined);
    if (text !== undefined) return text.trim();
  }
  throw new Error(`none of ${paths} is there`);
}

test('a host config with the start: binds, links, ports, rights, names', async () => {
  const script = 'cat /in/f /etc/hosts; echo $FIRST_NAME; touch /in/x || echo ro; busybox id -G; cat /proc/self/status';
  await create('second', {
    Cmd: ['sh', '-c', script],
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/in': {}, '/own': {} },
  });
  const before = await get(200, 'GET /containers/{name}/json', { name: 'second' });
  const { folder } = daemon;
  const body = {
    Binds: [`${folder}/bound:/in:ro`],
    Links: ['first:first'],
    PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
    CapDrop: ['ALL'],
    ExtraHosts: ['extra:10.1.2.3'],
    Dns: ['10.9.8.7'],
    VolumesFrom: ['first'],
    RestartPolicy: { Name: '', MaximumRetryCount: 0 },
    NetworkMode: 'bridge',
    LxcConf: [],
  };
  await get(400, 'POST /containers/{name}/start', { name: 'second', body: { ...body, Dns: ['nonsense'] } });
  await get(404, 'POST /containers/{name}/start', { name: 'nobody', body });
  assert.deepEqual((await get(200, 'GET /containers/{name}/json', { name: 'second' })).HostConfig, before.HostConfig);
  await get(204, 'POST /containers/{name}/start', { name: 'second', body });
  assert.deepEqual(await get(200, 'POST /containers/{name}/wait', { name: 'second' }), { StatusCode: 0 });
  const { text } = await call('GET /containers/{name}/logs', { name: 'second', query: { stdout: '1' } });
  assert.match(text, /10\.1\.2\.3\s+extra/);
  assert.match(text, /172\.\d+\.0\.\d+\s+first/);
  assert.match(text, /\/second\/first/);
  assert.match(text, /ro\n[\s\S]*CapEff:\t0{16}/);
  const now = await get(200, 'GET /containers/{name}/json', { name: 'second' });
  assert.deepEqual(Object.keys(now.Volumes).sort(), ['/data', '/in', '/own']);
  assert.equal(now.Volumes['/in'], `${folder}/bound`);
  assert.equal(now.Volumes['/own'], before.Volumes['/own']);
  assert.deepEqual(now.HostConfig.Dns, ['10.9.8.7']);
  const volumes = (await daemon.ok(['volume', 'ls', '-q'])).split('\n');
  assert.equal(volumes.length, 2, 'the volume in whose place the folder came is gone');
  await get(204, 'DELETE /containers/{name}', { name: 'second', query: { v: '1', force: '1' } });
});

test('what a running container does: ps, json, top, exec, pause, rename, changes, export, copy, commit', async () => {
  const name = 'first';
  for (const route of ['GET /containers/ps', 'GET /containers/json']) {
    const [row] = await get(200, route, { query: { all: '1', limit: '5', size: '1' } });
    assert.deepEqual([row.Names, row.Command, row.Image], [['/first'], 'sleep 1000', 'busybox']);
  }
  assert.equal((await get(200, 'GET /containers/{name}/top', { name, query: { ps_args: 'aux' } })).Processes.length, 1);
  const stats = await get(200, 'GET /containers/{name}/stats', { name, query: { stream: 'false' } });
  assert.ok(stats.memory_stats.usage > 0 && stats.network.rx_bytes >= 0, 'one network, as it was first told');
  const body = {
    Cmd: ['sh', '-c', 'echo text > /made; echo done'],
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
  };
  const { Id: exec } = await get(201, 'POST /containers/{name}/exec', { name, body });
  const ran = await call('POST /exec/{name}/start', { name: exec, body: { Detach: false, Tty: false } });
  assert.deepEqual([ran.status, ran.text.slice(8)], [200, 'done\n']);
  assert.equal((await get(200, 'GET /exec/{id}/json', { name: exec })).ExitCode, 0);
  const { Id: shell } = await get(201, 'POST /containers/{name}/exec', { name, body: { Cmd: ['cat'], Tty: true } });
  await call('POST /exec/{name}/start', { name: shell, body: { Detach: true, Tty: true } });
  await get(200, 'POST /exec/{name}/resize', { name: shell, query: { h: '10', w: '20' } });
  await get(200, 'POST /containers/{name}/resize', { name, query: { h: '10', w: '20' } });
  await get(204, 'POST /containers/{name}/pause', { name });
  await get(204, 'POST /containers/{name}/unpause', { name });
  await get(204, 'POST /containers/{name}/rename', { name, query: { name: 'renamed' } });
  const changes = await get(200, 'GET /containers/{name}/changes', { name: 'renamed' });
  assert.deepEqual(
    changes.filter(({ Path }: { Path: string }) => Path === '/made'),
    [{ Path: '/made', Kind: 1 }],
  );
  assert.match((await call('GET /containers/{name}/export', { name: 'renamed' })).text, /made[\s\S]*text\n/);
  const copied = await call('POST /containers/{name}/copy', { name: 'renamed', body: { Resource: '/made' } });
  assert.ok(copied.text.includes('\0made\0') && copied.text.includes('\0text\n\0'));
  await get(404, 'POST /containers/{name}/copy', { name: 'renamed', body: { Resource: '/none' } });
  const query = { container: 'renamed', repo: 'made', tag: 'one', comment: 'c', author: 'a' };
  assert.match(
    (await get(201, 'POST /commit', { query, body: { Entrypoint: ['cat'], Cmd: ['/made'] } })).Id,
    /^sha256:/,
  );
  assert.equal(await daemon.ok(['run', '--rm', 'made:one']), 'text');
  await get(200, 'DELETE /images/{name}', { name: 'made:one' });
});

test('how it ends: restart, stop, kill, wait, attach, attach/ws, events', async () => {
  const name = 'renamed';
  await get(204, 'POST /containers/{name}/restart', { name, query: { t: '0' } });
  await get(204, 'POST /containers/{name}/stop', { name, query: { t: '0' } });
  await get(304, 'POST /containers/{name}/stop', { name, query: { t: '0' } });
  await get(204, 'POST /containers/{name}/start', { name, body: {} });
  const ended = get(200, 'POST /containers/{name}/wait', { name });
  await get(204, 'POST /containers/{name}/kill', { name, query: { signal: 'SIGKILL' } });
  assert.deepEqual(await ended, { StatusCode: 137 });
  await get(204, 'DELETE /containers/{name}', { name, query: { v: '1' } });
  await create('talker', { Cmd: ['echo', 'said'] });
  await get(204, 'POST /containers/{name}/start', { name: 'talker' });
  await get(200, 'POST /containers/{name}/wait', { name: 'talker' });
  const attached = await call('POST /containers/{name}/attach', { name: 'talker', query: { logs: '1', stdout: '1' } });
  assert.deepEqual([attached.status, attached.text.slice(8)], [200, 'said\n']);
  assert.match(await webSocket('talker'), /said\n/);
  await get(204, 'DELETE /containers/{name}', { name: 'talker' });
  const until = String(Math.ceil(Date.now() / 1000));
  const { text } = await call('GET /events', { query: { since: '0', until } });
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ofTalker = events.filter(({ from, Actor }) => from === 'busybox' && Actor.Attributes.name === 'talker');
  assert.deepEqual(
    ofTalker.map(({ status }) => status),
    ['create', 'start', 'die', 'attach', 'attach', 'destroy'],
  );
});

/** The first line that comes over `attach/ws`. */
function webSocket(name: string): Promise<string> {
  called.add('GET /containers/{name}/attach/ws');
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const path = `/v1.17/containers/${name}/attach/ws?logs=1&stdout=1`;
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: daemon.socket, path, headers });
    sent.on('upgrade', (_, socket, head) => {
      let received = '';
      const take = (chunk: Buffer) => {
        received += chunk.toString('latin1');
        if (!received.includes('\n')) return;
        socket.destroy();
        resolve(received);
      };
      socket.on('data', take).on('close', () => reject(new Error(`closed after ${received}`)));
      take(head);
    });
    sent.on('response', (reply) => reject(new Error(`status ${reply.statusCode}`)));
    sent.on('error', reject);
    sent.end();
  });
}

for (const route of NOT_YET) {
  test(`not yet: ${route}`, async () => {
    const { status, text } = await call(route, { name: 'some', body: route.startsWith('POST') ? {} : undefined });
    assert.deepEqual([status, text.startsWith(`${route} is not implemented`)], [501, true], text);
  });
}

test('every route was called', () => {
  assert.deepEqual(
    SEED.filter((route) => !called.has(route)),
    [],
  );
});
