/** Images to a real registry, pushed by docker's client and ours; who can pull them: push-peers.test.ts. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ProgressMessage } from '#api/types/image.ts';
import { ask } from '#test/support/ask.ts';
import { makeArchive } from '#test/support/images.ts';
import { digestOf, putImage, putIndex } from '#test/support/registry-images.ts';
import type { Passed, RegistryProxy } from '#test/support/registry-proxy.ts';
import { RegistryScene, short } from '#test/support/registry-scene.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const scene = new RegistryScene();
const { name, ok } = scene;

beforeEach(() => {
  scene.proxy.misbehave = () => undefined;
  scene.proxy.requests.length = 0;
});

const layer = (text: string, size = 0) => makeTar([{ name: text, body: text.padEnd(size, 'x') }]);
const uploads = () => scene.proxy.requests.filter(({ method, received }) => /PUT|PATCH/.test(method) && received > 0);

/** Loads an image of these layers under names in the registry. */
async function load(layers: Buffer[], ...tags: string[]): Promise<void> {
  const archive = join(scene.daemon.folder, 'image.tar');
  await makeArchive(archive, [{ layers, tags: tags.map(name), config: { Cmd: ['cat', '/first'] } }]);
  await ok('load', '-q', '-i', archive);
  await rm(archive);
}

const push = (repository: string, tag = 'latest') => scene.messages(`/images/${name(repository)}/push?tag=${tag}`);
const failure = (messages: ProgressMessage[]) => messages.find(({ error }) => error !== undefined)?.error;

interface Manifest {
  mediaType: string;
  config: { digest: string };
  layers: { mediaType: string; digest: string; size: number }[];
}

async function stored(repository: string, tag: string): Promise<{ digest: string; bytes: Buffer; manifest: Manifest }> {
  const accept = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';
  const { body, status } = await scene.registry.ask('GET', `/v2/${repository}/manifests/${tag}`, {
    headers: { Accept: accept },
  });
  assert.equal(status, 200, `${repository}:${tag} ${body}`);
  return { digest: digestOf(body), bytes: body, manifest: JSON.parse(String(body)) };
}

test("an image is pushed with docker's words; what is there is not sent again", async () => {
  const layers = [scene.busybox, layer('first'), layer('second', 3_000_000)];
  await load(layers, 'app:v1');
  const printed = (await ok('push', name('app:v1'))).split('\n');
  const { digest, bytes, manifest } = await stored('app', 'v1');
  assert.equal(printed[0], `The push refers to repository [${name('app')}]`);
  assert.equal(printed.at(-1), `v1: digest: ${digest} size: ${bytes.length}`);
  for (const tar of layers) {
    const lines = printed.filter((line) => line.startsWith(short(digestOf(tar))));
    assert.deepEqual(
      lines,
      ['Preparing', 'Pushed'].map((status) => `${short(digestOf(tar))}: ${status}`),
    );
  }
  assert.equal(manifest.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
  for (const [at, { digest: blob, size }] of manifest.layers.entries()) {
    const { body } = await scene.registry.ask('GET', `/v2/app/blobs/${blob}`);
    assert.deepEqual([body.length, digestOf(gunzipSync(body))], [size, digestOf(layers[at]!)]);
  }
  const [inspected] = JSON.parse(await ok('inspect', name('app:v1')));
  assert.deepEqual(inspected.RepoDigests, [`${name('app')}@${digest}`]);
  assert.equal(inspected.Id, manifest.config.digest);
  scene.proxy.requests.length = 0;
  const again = (await ok('push', name('app:v1'))).split('\n');
  assert.equal(again.filter((line) => line.endsWith(': Layer already exists')).length, 3);
  assert.deepEqual(
    scene.proxy.requests.map(({ method, path }) => `${method} ${path}`),
    ['HEAD /v2/app/manifests/v1'],
  );
  await putImage(scene.registry, 'app', { layers: [layer('of another')] }, 'v1');
  await ok('push', name('app:v1'));
  assert.equal((await stored('app', 'v1')).digest, digest, 'the tag means the image again');
  assert.deepEqual(await readdir(join(scene.daemon.dataRoot, 'content/ingest')), []);
  await checkStore(scene.daemon);
});

test('aux and progress for programs', async () => {
  await load([layer('aux', 5_000_000)], 'aux:latest');
  const messages = await push('aux');
  const { digest, bytes } = await stored('aux', 'latest');
  assert.deepEqual(messages.at(-1), {
    progressDetail: {},
    aux: { Tag: 'latest', Digest: digest, Size: bytes.length },
  });
  const moving = messages.filter(({ status }) => status === 'Pushing');
  const total = layer('aux', 5_000_000).length;
  assert.ok(moving.length > 0 && moving.every(({ progressDetail }) => progressDetail?.total === total));
  assert.equal(moving.at(-1)!.progressDetail!.current, total);
});

test('all tags, one of many, and what is not here', async () => {
  await load([layer('tags')], 'many:a', 'many:b');
  await load([layer('tags'), layer('more')], 'many:c');
  const printed = await ok('push', '-a', name('many'));
  for (const tag of ['a', 'b', 'c']) assert.match(printed, new RegExp(`^${tag}: digest: sha256:`, 'm'));
  assert.equal((await stored('many', 'a')).digest, (await stored('many', 'b')).digest);
  const fails = async (...args: string[]) => (await scene.daemon.docker(args)).stderr.trim();
  assert.match(await fails('push', name('many:nope')), new RegExp(`tag does not exist: ${name('many:nope')}$`));
  assert.match(await fails('push', name('nope')), /An image does not exist locally with the tag: .*\/nope$/);
  assert.match(
    (await push('many@sha256:'.padEnd(76, 'a'))).map((message) => JSON.stringify(message)).join(),
    /digest reference/,
  );
});

test("the commands' flags and words are docker's", async () => {
  const tags = ['words:latest', 'words:b'];
  await load([layer('words'), layer('said')], ...tags);
  const repository = name('words');
  await ok('push', '-q', '-a', repository); // what follows finds the same
  const { digest } = await stored('words', 'b');
  const lines = [
    `push ${repository}`,
    `push ${repository}:b`,
    `push -q ${repository}:b`,
    `push -a ${repository}`,
    `push -a ${repository}:b`,
    `push ${repository}:none`,
    `push ${repository}@${digest}`,
    `push A`,
    `pull ${repository}`,
    `pull ${repository}:b`,
    `pull -q ${repository}:b`,
    `pull -a ${repository}`,
    `pull -a ${repository}:b`,
    `pull ${repository}@${digest}`,
    `pull ${repository}:none`,
    `pull A`,
  ];
  // Layers are worked on side by side: their lines have no order.
  const sorted = (text: string) => text.split('\n').sort();
  for (const line of lines) {
    const [theirs, ours] = [await scene.daemon.docker(line.split(' ')), await scene.daemon.wherry(line.split(' '))];
    assert.deepEqual([ours.code, sorted(ours.stdout)], [theirs.code, sorted(theirs.stdout)], line);
    assert.equal(ours.stderr.split('\n')[0], theirs.stderr.split('\n')[0], line);
  }
});

test('a layer that is elsewhere in the registry is mounted from there', async () => {
  const shared = layer('shared', 2_000_000);
  await load([shared], 'origin/a:1');
  await ok('push', name('origin/a:1'));
  await ok('tag', name('origin/a:1'), name('copy/b:1'));
  scene.proxy.requests.length = 0;
  assert.match(await ok('push', name('copy/b:1')), /: Mounted from origin\/a$/m);
  assert.ok(uploads().every(({ path }) => path.includes('manifests') || path.includes('blobs/uploads')));
  const sent = uploads().reduce((sum, { received }) => sum + received, 0);
  assert.ok(sent < 5000, `${sent} bytes were sent`);
  assert.equal((await stored('copy/b', '1')).digest, (await stored('origin/a', '1')).digest);
});

test('a pulled image goes back with its own manifest, byte for byte, whatever it looks like', async () => {
  const parts = [layer('pulled-1'), layer('pulled-2', 100_000)];
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    const image = await putImage(scene.registry, `source/${compression}`, { layers: parts, compression }, 'x');
    await ok('pull', '-q', name(`source/${compression}:x`));
    await ok('tag', name(`source/${compression}:x`), name(`back/${compression}:y`));
    assert.match(await ok('push', name(`back/${compression}:y`)), new RegExp(`Mounted from source/${compression}`));
    const { digest, bytes } = await stored(`back/${compression}`, 'y');
    assert.equal(digest, image.digest);
    assert.deepEqual(bytes, (await stored(`source/${compression}`, 'x')).bytes);
    await ok('rmi', name(`source/${compression}:x`), name(`back/${compression}:y`));
  }
});

test('an index whose images are all here goes back whole; one image of it alone when it is asked for', async () => {
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64', variant: 'v8' },
  ];
  const images = [];
  for (const [at, platform] of platforms.entries()) {
    const { os: _, ...extra } = platform;
    const image = await putImage(scene.registry, 'index/source', { layers: [layer(`platform-${at}`, 50_000)], extra });
    images.push({ ...image, platform });
  }
  const index = await putIndex(scene.registry, 'index/source', images, 'all');
  const indexAt = async (repository: string, tag: string) => {
    const headers = { Accept: index.mediaType };
    const { body } = await scene.registry.ask('GET', `/v2/${repository}/manifests/${tag}`, { headers });
    return digestOf(body);
  };
  await ok('pull', '-q', '--platform', 'linux/amd64', name('index/source:all'));
  await ok('tag', name('index/source:all'), name('index/half:1'));
  await ok('push', name('index/half:1'));
  assert.equal((await stored('index/half', '1')).digest, images[0]!.digest, 'the other image is not here');
  await ok('pull', '-q', '--platform', 'linux/arm64/v8', name('index/source:all'));
  await ok('tag', name('index/source:all'), name('index/whole:1'));
  const printed = await ok('push', name('index/whole:1'));
  assert.match(printed, new RegExp(`^1: digest: ${index.digest} size: ${index.size}$`, 'm'));
  assert.equal(await indexAt('index/whole', '1'), index.digest);
  for (const { digest } of images) assert.equal((await stored('index/whole', digest)).digest, digest);
  const path = `/images/${name('index/whole')}/push?tag=1&platform=`;
  for (const [at, platform] of platforms.entries()) {
    await ask(scene.daemon.socket, 'POST', path + encodeURIComponent(JSON.stringify(platform)));
    assert.equal((await stored('index/whole', '1')).digest, images[at]!.digest);
  }
  const other = encodeURIComponent(JSON.stringify({ os: 'linux', architecture: 's390x' }));
  assert.match((await ask(scene.daemon.socket, 'POST', path + other)).text, /does not match the specified platform/);
  await checkStore(scene.daemon);
});

/** Pushes while the proxy does what `misbehave` says, and sees that all came right. */
async function survives(repository: string, misbehave: (request: Passed) => ReturnType<RegistryProxy['misbehave']>) {
  const tar = layer(`${repository}-`, 2_000_000);
  const random = makeTar([{ name: 'random', body: randomBytes(35_000_000) }]);
  await load([tar, random], `${repository}:1`);
  scene.proxy.misbehave = misbehave;
  const messages = await push(repository, '1');
  scene.proxy.misbehave = () => undefined;
  assert.equal(failure(messages), undefined);
  const { manifest } = await stored(repository, '1');
  for (const [at, expected] of [tar, random].entries()) {
    const { body } = await scene.registry.ask('GET', `/v2/${repository}/blobs/${manifest.layers[at]!.digest}`);
    assert.equal(digestOf(gunzipSync(body)), digestOf(expected));
  }
  await ok('rmi', name(`${repository}:1`));
}

const isUpload = ({ method, path }: Passed) => method === 'PATCH' || (method === 'PUT' && path.includes('/blobs/'));

test('connections that break in uploads, replies that are lost, and registries that are busy', async () => {
  let cuts = 0;
  await survives('cut', (request) => (isUpload(request) && cuts++ < 3 ? { cutUploadAfter: 1_000_000 } : undefined));
  assert.equal(cuts > 3, true);
  let lost = 0;
  await survives('lost', (request) => (isUpload(request) && lost++ < 3 ? { loseReply: true } : undefined));
  let busy = 0;
  await survives('busy', () => (busy++ % 3 === 1 ? { status: 503, headers: { 'Retry-After': '0' } } : undefined));
  let limits = 0;
  await survives('limits', ({ method }) =>
    method !== 'GET' && limits++ < 4 ? { status: 429, headers: { 'Retry-After': '0' } } : undefined,
  );
});

test('what cannot be pushed says why, and stops', async () => {
  await load([layer('refused', 1_000_000)], 'refused:1');
  const body = JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] });
  scene.proxy.misbehave = ({ method }) => (method === 'POST' ? { status: 403, body } : undefined);
  assert.equal(failure(await push('refused', '1')), 'denied: requested access to the resource is denied');
  scene.proxy.misbehave = (request) => (isUpload(request) ? { status: 500 } : undefined);
  assert.match(failure(await push('refused', '1'))!, /received unexpected HTTP status: 500/);
  assert.deepEqual(await readdir(join(scene.daemon.dataRoot, 'content/ingest')), []);
  scene.proxy.misbehave = () => undefined;
  assert.equal(failure(await push('refused', '1')), undefined);
});

test('a client that goes away ends its push; two pushes of one image send it once', async () => {
  await load([makeTar([{ name: 'random', body: randomBytes(20_000_000) }])], 'twice:1');
  const [one, two] = await Promise.all([push('twice', '1'), push('twice', '1')]);
  assert.deepEqual([failure(one), failure(two)], [undefined, undefined]);
  const bytes = uploads().reduce((sum, { received }) => sum + received, 0);
  assert.ok(bytes < 22_000_000, `${bytes} bytes were sent`);
});
