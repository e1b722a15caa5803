/** Where images come from: mirrors, registries that want to know who asks, storage on other hosts, proxies. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxLayer } from '#test/support/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { putImage, type StoredImage } from '#test/support/registry-images.ts';
import { type RegistryProxy, startRegistryProxy } from '#test/support/registry-proxy.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const MIRROR = '127.0.0.1:5000';
const ORIGIN = '127.0.0.1:5001';

let daemon: TestDaemon;
let mirror: TestRegistry;
let origin: TestRegistry;
let mirrorProxy: RegistryProxy;
let originProxy: RegistryProxy;
let busybox: Buffer;

before(async () => {
  const mirrors = [`http://${MIRROR}`, `${ORIGIN}=http://${MIRROR}`].flatMap((value) => ['--registry-mirror', value]);
  daemon = await startDaemon({ busybox: false, flags: [...mirrors, '--compressed-layers', 'keep'] });
  const netns = daemon.netns.path;
  mirror = await startRegistry({ netns, behindProxy: true });
  origin = await startRegistry({ netns, behindProxy: true, users: { me: 'secret-word' } });
  mirrorProxy = await startRegistryProxy({ netns, upstream: mirror.front, port: 5000 });
  originProxy = await startRegistryProxy({ netns, upstream: origin.front, port: 5001 });
  busybox = await busyboxLayer();
});

const kept = () => readdir(join(daemon.dataRoot, 'content/compressed'));

after(async () => {
  await daemon.close();
  for (const proxy of [mirrorProxy, originProxy]) await proxy.close();
  for (const registry of [mirror, origin]) await registry.close();
});

afterEach(async () => {
  for (const proxy of [mirrorProxy, originProxy]) {
    proxy.misbehave = () => undefined;
    proxy.requests.length = 0;
  }
});

const ok = (...args: string[]) => daemon.ok(args);
const publish = (registry: TestRegistry, repository: string, text = repository): Promise<StoredImage> =>
  putImage(
    registry,
    repository,
    { layers: [busybox, makeTar([{ name: 'text', body: `${text}\n` }])], config: { Cmd: ['cat', '/text'] } },
    'latest',
  );
const login = () => daemon.ok(['login', '-u', 'me', '--password-stdin', ORIGIN], { input: 'secret-word' });
const heard = (proxy: RegistryProxy) => proxy.requests.flatMap(({ headers }) => headers.authorization ?? []);

test("docker.io's mirror gives its images, under their own names", async () => {
  const image = await publish(mirror, 'library/app');
  assert.equal(await ok('run', '--rm', 'app'), 'library/app');
  assert.equal(
    await ok('inspect', '-f', '{{.RepoTags}} {{.RepoDigests}}', 'app'),
    `[app:latest] [app@${image.digest}]`,
  );
  await ok('rmi', 'app');
});

test('what the mirror has not, or gives up half-way, comes from the registry itself, for those who may have it', async () => {
  const stale = await publish(mirror, 'stale', 'old');
  await publish(origin, 'only-there');
  const refused = await daemon.docker(['pull', `${ORIGIN}/only-there`]);
  assert.match(refused.stderr, /no basic auth credentials/);
  await login();
  assert.equal(await ok('run', '--rm', '-q', `${ORIGIN}/only-there`), 'only-there');
  await ok('pull', '-q', `${ORIGIN}/stale`);
  assert.equal(await ok('inspect', '-f', '{{.Id}}', `${ORIGIN}/stale`), stale.id);
  assert.deepEqual(heard(mirrorProxy), [], 'a mirror hears no password');
  await ok('rmi', `${ORIGIN}/stale`);
  const fresh = await publish(origin, 'stale', 'old');
  mirrorProxy.misbehave = ({ path }) => (path.includes('/blobs/') ? { status: 404 } : undefined);
  await ok('pull', '-q', `${ORIGIN}/stale`);
  assert.equal(await ok('inspect', '-f', '{{.Id}}', `${ORIGIN}/stale`), fresh.id);
  await ok('rmi', `${ORIGIN}/stale`, `${ORIGIN}/only-there`);
});

test('blobs come from the storage that a registry names, which hears no password', async () => {
  await login();
  await publish(origin, 'moved');
  originProxy.misbehave = ({ path }) => (path.includes('/blobs/') ? { redirect: true } : undefined);
  // The storage has no way to ask who we are: the registry would have signed the address.
  const { stderr } = await daemon.docker(['pull', `${ORIGIN}/moved`]);
  assert.match(stderr, /unauthorized: authentication required/);
  const there = originProxy.requests.filter(({ host }) => host === originProxy.otherHost);
  assert.ok(there.length > 0);
  assert.ok(there.every(({ headers }) => headers.authorization === undefined));
  assert.ok(!daemon.log().includes('secret-word'));
});

test('a mirror that is gone is only a detour', async () => {
  await login();
  await publish(origin, 'steady');
  mirrorProxy.misbehave = () => ({ status: 404 });
  assert.equal(await ok('run', '--rm', '-q', `${ORIGIN}/steady`), 'steady');
  await ok('rmi', `${ORIGIN}/steady`);
});

test('layers that are kept as they came are pushed as they came, until they are damaged or their image is gone', async () => {
  await login();
  const image = await publish(mirror, 'library/kept');
  await Promise.all([ok('pull', '-q', 'kept'), ok('pull', '-q', 'kept')]);
  const names = image.layers.map(({ digest }) => digest.replace('sha256:', ''));
  assert.deepEqual((await kept()).sort(), names.sort());
  await ok('tag', 'kept', `${ORIGIN}/copy`);
  const pushed = await ok('push', `${ORIGIN}/copy`);
  assert.match(pushed, new RegExp(`latest: digest: ${image.digest} `), 'the same bytes, the same manifest');
  const path = join(daemon.dataRoot, 'content/compressed', image.layers[1]!.digest.replace('sha256:', ''));
  await writeFile(path, Buffer.alloc(image.layers[1]!.size));
  const other = await startRegistry({ netns: daemon.netns.path, port: 5002 });
  try {
    await ok('tag', 'kept', `${other.host}/copy`);
    await ok('push', `${other.host}/copy`);
    assert.equal((await kept()).length, 1, 'what is damaged is gone');
    await checkStore(daemon);
    await ok('rmi', 'kept', `${ORIGIN}/copy`, `${other.host}/copy`);
    assert.deepEqual(await kept(), []);
    assert.equal(await ok('run', '--rm', '-q', `${other.host}/copy`), 'library/kept');
    await ok('rmi', `${other.host}/copy`);
  } finally {
    await other.close();
  }
});
