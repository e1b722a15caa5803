/** What clients rely on and no specification says: one test each. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { type Answer, ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxArchive, makeArchive } from '#test/support/images.ts';
import { startRegistry } from '#test/support/registry.ts';
import { makeTar } from '#test/support/tar.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());
afterEach(() => daemon.removeContainers());

const send = (method: string, path: string, body?: object | string, type?: string): Promise<Answer> =>
  ask(daemon.socket, method, path.startsWith('/v1.') ? path : `/v1.51${path}`, body, type);
// biome-ignore lint/suspicious/noExplicitAny: replies of every shape
async function get(path: string): Promise<any> {
  const { status, text } = await send('GET', path);
  assert.equal(status, 200, text);
  return JSON.parse(text);
}
async function create(name: string, body: object): Promise<string> {
  const { status, text } = await send('POST', `/containers/create?name=${name}`, { Image: 'busybox', ...body });
  assert.equal(status, 201, text);
  return JSON.parse(text).Id;
}

test('attach and wait arrive before the start: the head of a wait’s reply comes at once, the rest with the exit', async () => {
  await create('early', { Cmd: ['sh', '-c', 'echo first; exit 4'], HostConfig: { AutoRemove: true } });
  const attached = new Promise<string>((resolve, reject) => {
    const headers = { Connection: 'Upgrade', Upgrade: 'tcp' };
    const path = '/v1.51/containers/early/attach?stream=1&stdout=1&stderr=1';
    const sent = request({ socketPath: daemon.socket, method: 'POST', path, headers });
    sent.on('upgrade', (_, socket, head) => {
      const chunks: Buffer[] = [head];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(String(Buffer.concat(chunks))));
      void waits.then(() => send('POST', '/containers/early/start'));
    });
    sent.on('error', reject).end();
  });
  const wait = (condition: string) =>
    new Promise<{ body: Promise<string> }>((resolve, reject) => {
      const path = `/v1.51/containers/early/wait?condition=${condition}`;
      const sent = request({ socketPath: daemon.socket, method: 'POST', path, agent: false }, (reply) => {
        let text = '';
        reply.on('data', (chunk) => (text += chunk));
        resolve({ body: new Promise((done) => reply.on('end', () => done(text))) });
      });
      sent.on('error', reject).end();
    });
  const waits = Promise.all([wait('next-exit'), wait('removed')]);
  assert.match(await attached, /first\n$/);
  for (const { body } of await waits) assert.deepEqual(JSON.parse(await body), { StatusCode: 4 });
  assert.equal((await send('GET', '/containers/early/json')).status, 404, 'it is gone when the wait for that ends');
});

test('published ports stand in inspect when start returns', async () => {
  const HostConfig = { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } };
  await create('web', { Cmd: ['sleep', '1000'], ExposedPorts: { '80/tcp': {} }, HostConfig });
  await send('POST', '/containers/web/start');
  const [binding] = (await get('/containers/web/json')).NetworkSettings.Ports['80/tcp'];
  assert.ok(binding.HostIp === '127.0.0.1' && Number(binding.HostPort) > 1023, JSON.stringify(binding));
});

test('refused with 400: a name of one character, memory below 6 MB, a body that is not said to be JSON', async () => {
  const body = { Image: 'busybox', Cmd: ['true'] };
  const oneLetter = await send('POST', '/containers/create?name=x', body);
  assert.deepEqual([oneLetter.status, /Invalid container name \(x\)/.test(oneLetter.message)], [400, true]);
  const small = await send('POST', '/containers/create', { ...body, HostConfig: { Memory: 6 * 1024 * 1024 - 1 } });
  assert.deepEqual([small.status, small.message], [400, 'Minimum memory limit allowed is 6MB']);
  const plain = await send('POST', '/containers/create', JSON.stringify(body), 'text/plain');
  assert.deepEqual([plain.status, /Content-Type.*text\/plain/.test(plain.message)], [400, true], plain.message);
});

test('inspect echoes the defaults, and times that have not come', async () => {
  const id = await create('plain', { Cmd: ['true'] });
  const inspected = await get('/containers/plain/json');
  const { HostConfig: host, State: state, Config: config } = inspected;
  assert.equal(host.ShmSize, 64 * 1024 * 1024);
  assert.equal(host.IpcMode, 'private');
  assert.ok(['host', 'private'].includes(host.CgroupnsMode));
  assert.ok(host.MaskedPaths.includes('/proc/kcore') && host.ReadonlyPaths.includes('/proc/sys'));
  assert.deepEqual([host.ConsoleSize, host.NetworkMode, host.Runtime.length > 0], [[0, 0], 'bridge', true]);
  assert.deepEqual(
    [host.RestartPolicy, host.LogConfig],
    [
      { Name: 'no', MaximumRetryCount: 0 },
      { Type: 'json-file', Config: {} },
    ],
  );
  assert.deepEqual([host.Binds, host.CapAdd, host.Devices, host.Dns, host.GroupAdd], [null, null, null, null, null]);
  assert.deepEqual([config.Entrypoint, config.Volumes, config.OnBuild, config.Labels], [null, null, null, {}]);
  assert.deepEqual([state.StartedAt, state.FinishedAt], ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z']);
  assert.deepEqual([inspected.Name, inspected.ExecIDs, inspected.Mounts], ['/plain', null, []]);
  await send('POST', '/containers/plain/start');
  await send('POST', '/containers/plain/wait');
  const { LogPath, HostnamePath, HostsPath, ResolvConfPath } = await get('/containers/plain/json');
  assert.ok(LogPath.endsWith(`/${id}-json.log`));
  for (const path of [LogPath, HostnamePath, HostsPath, ResolvConfPath]) assert.ok(existsSync(path), path);
  assert.equal(await readFile(HostnamePath, 'utf8'), `${id.slice(0, 12)}\n`);
});

test('GraphDriver.Data is a map of texts with the folders of the container', async () => {
  await create('layers', { Cmd: ['sleep', '1000'] });
  await send('POST', '/containers/layers/start');
  await daemon.ok(['exec', 'layers', 'touch', '/made']);
  const { Data: data } = (await get('/containers/layers/json')).GraphDriver;
  assert.ok(Object.values(data).every((value) => typeof value === 'string'));
  assert.ok(existsSync(`${data.UpperDir}/made`) && existsSync(data.WorkDir) && existsSync(`${data.MergedDir}/bin`));
});

test('images: what load says, what lists count, history, VirtualSize of old', async () => {
  const loaded = await ask(
    daemon.socket,
    'POST',
    '/v1.51/images/load',
    await readFile(await busyboxArchive()),
    'application/x-tar',
  );
  assert.match(loaded.text, /"stream":"Loaded image: busybox:latest\\n"/);
  const [row] = await get('/images/json');
  assert.deepEqual([row.Containers, row.SharedSize, 'VirtualSize' in row], [-1, -1, false]);
  const [old] = await get('/v1.43/images/json');
  assert.equal(old.VirtualSize, old.Size);
  const image = await get('/images/busybox/json');
  assert.match(image.Metadata.LastTagTime, /^20\d\d-/);
  assert.equal((await get('/v1.43/images/busybox/json')).VirtualSize, image.Size);
  const archive = `${daemon.folder}/two.tar`;
  const layers = [1, 2].map((number) => makeTar([{ name: `f${number}`, body: '' }]));
  await makeArchive(archive, [{ layers, tags: ['two:latest'] }]);
  await daemon.ok(['load', '-q', '-i', archive]);
  const history: { Id: string }[] = await get('/images/two/history');
  assert.deepEqual(
    history.map(({ Id }) => Id === '<missing>'),
    [false, true],
  );
  await daemon.ok(['tag', 'two', 'other:a']);
  const one = JSON.parse((await send('DELETE', '/images/two')).text);
  assert.deepEqual(one, [{ Untagged: 'two:latest' }]);
  const last = JSON.parse((await send('DELETE', '/images/other:a')).text);
  assert.deepEqual(
    last.map((entry: object) => Object.keys(entry)[0]),
    ['Untagged', 'Deleted', 'Deleted', 'Deleted'].slice(0, last.length),
  );
  assert.equal(last[1].Deleted.length, 71);
});

test('images of registries: push’s aux, "Image is up to date", removal by digest', async () => {
  const registry = await startRegistry({ netns: daemon.netns.path });
  try {
    const name = `${registry.host}/box`;
    await daemon.ok(['tag', 'busybox', name]);
    const pushed = (await send('POST', `/images/${name}/push?tag=latest`)).text.trim().split('\n');
    const { aux } = pushed.map((line) => JSON.parse(line)).find((message) => 'aux' in message);
    assert.deepEqual([aux.Tag, /^sha256:\w{64}$/.test(aux.Digest), aux.Size > 0], ['latest', true, true]);
    const pulled = (await send('POST', `/images/create?fromImage=${name}&tag=latest`)).text;
    assert.match(pulled, new RegExp(`"status":"Status: Image is up to date for ${name}:latest"`));
    const gone = JSON.parse((await send('DELETE', `/images/${name}@${aux.Digest}`)).text);
    assert.deepEqual(gone[0], { Untagged: `${name}@${aux.Digest}` });
    await daemon.docker(['rmi', name]);
  } finally {
    await registry.close();
  }
});

test('what is not there says so: 501 with the route, BuildKit’s with what to do, no plugins', async () => {
  const absent = await send('POST', '/build/cancel');
  assert.deepEqual([absent.status, /POST \/build\/cancel is not implemented/.test(absent.message)], [501, true]);
  for (const path of ['/session', '/grpc']) {
    const { status, message } = await send('POST', path);
    if (status !== 501) continue;
    assert.match(message, /set DOCKER_BUILDKIT=0/);
  }
  assert.deepEqual(await get('/plugins'), []);
  assert.equal((await send('GET', '/swarm')).status, 503);
});
