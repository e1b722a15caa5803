/** Images from a real registry: docker's client pulls them, in all their forms, and runs what it has pulled. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProgressMessage } from '#api/types/image.ts';
import { putBlob, putImage, putIndex, putManifest, type StoredImage } from '#test/support/registry-images.ts';
import { RegistryScene, short } from '#test/support/registry-scene.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const scene = new RegistryScene();
const { name, ok } = scene;
const ingest = () => readdir(join(scene.daemon.dataRoot, 'content/ingest'));

const layer = (text: string) => makeTar([{ name: text, body: `${text}\n` }]);
const app = (text: string) => ({ layers: [scene.busybox, layer(text)], config: { Cmd: ['cat', `/${text}`] } });

const pull = (image: string, query = '') =>
  scene.messages(`/images/create?fromImage=${encodeURIComponent(image)}${query}`);

/** Each layer's statuses once, and what has no layer; bars left out. */
function statuses(messages: ProgressMessage[]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { id = '', status = '' } of messages) {
    found[id] ??= [];
    const list = found[id];
    if (list.at(-1) !== status) list.push(status);
  }
  return found;
}

test("an image is pulled with docker's words, runs, and is up to date the second time", async () => {
  const image = await putImage(scene.registry, 'app', app('first'), 'v1');
  const found = statuses(await pull(name('app'), '&tag=v1'));
  assert.deepEqual(found.v1, ['Pulling from app']);
  for (const { digest } of image.layers) {
    const steps = found[short(digest)]!;
    assert.deepEqual(
      steps.filter((step) => step !== 'Waiting'),
      ['Pulling fs layer', 'Downloading', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete'],
    );
  }
  assert.deepEqual(found[''], [`Digest: ${image.digest}`, `Status: Downloaded newer image for ${name('app')}:v1`]);
  assert.equal(await ok('run', '--rm', name('app:v1')), 'first');
  const inspected = JSON.parse(await ok('inspect', name('app:v1')))[0];
  assert.equal(inspected.Id, image.id);
  assert.deepEqual(inspected.RepoDigests, [`${name('app')}@${image.digest}`]);
  assert.deepEqual(await ingest(), []);
  const again = await ok('pull', name('app:v1'));
  assert.deepEqual(again.split('\n'), [
    'v1: Pulling from app',
    ...image.layers.map(({ digest }) => `${short(digest)}: Already exists`),
    `Digest: ${image.digest}`,
    `Status: Image is up to date for ${name('app')}:v1`,
    name('app:v1'),
  ]);
  await checkStore(scene.daemon);
  await ok('rmi', name('app:v1'));
  assert.equal(await ok('images', '-q'), '');
});

test('every compression and media type is understood', async () => {
  for (const compression of ['gzip', 'zstd', 'none'] as const) {
    for (const docker of [false, true]) {
      const repository = `forms/${compression}${docker ? '-docker' : ''}`;
      const image = await putImage(
        scene.registry,
        repository,
        { ...app(`${compression}${docker}`), compression, docker },
        'latest',
      );
      assert.equal(await ok('run', '--rm', '-q', name(repository)), `${compression}${docker}`);
      assert.equal(await ok('inspect', '-f', '{{.Id}}', name(repository)), image.id);
    }
  }
  await ok('rmi', ...(await ok('images', '--format', '{{.Repository}}')).split('\n'));
});

test('docker run pulls what is not here', async () => {
  await putImage(scene.registry, 'absent', app('absent'), 'latest');
  const { code, stdout, stderr } = await scene.daemon.docker(['run', '--rm', name('absent')]);
  assert.deepEqual([code, stdout], [0, 'absent\n']);
  assert.match(stderr, /Unable to find image '.*absent:latest' locally/);
  assert.match(stderr, /Status: Downloaded newer image for .*absent:latest/);
  await ok('rmi', name('absent'));
});

test('of an index the image for this machine is taken, or for the platform asked for', async () => {
  const host = await putImage(scene.registry, 'multi', app('amd64'));
  const arm = await putImage(scene.registry, 'multi', { ...app('arm64'), extra: { architecture: 'arm64' } });
  const other = await putImage(scene.registry, 'multi', {
    ...app('v6'),
    extra: { architecture: 'arm', variant: 'v6' },
  });
  const attestation = await putImage(scene.registry, 'multi', { layers: [layer('attestation')] });
  const index = await putIndex(
    scene.registry,
    'multi',
    [
      { ...attestation, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...arm, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { ...other, platform: { os: 'linux', architecture: 'arm', variant: 'v6' } },
      { ...host, platform: { os: 'linux', architecture: 'amd64' } },
    ],
    'latest',
  );
  const pulled = async (...flags: string[]) => {
    await ok('pull', '-q', ...flags, name('multi'));
    return ok('inspect', '-f', '{{.Id}} {{.RepoDigests}}', name('multi'));
  };
  const digest = `[${name('multi')}@${index.digest}]`;
  assert.equal(await pulled(), `${host.id} ${digest}`);
  assert.equal(await pulled('--platform', 'linux/arm64'), `${arm.id} ${digest}`);
  assert.equal(await pulled('--platform', 'linux/arm/v6'), `${other.id} ${digest}`);
  const { stderr } = await scene.daemon.docker(['pull', '--platform', 'linux/s390x', name('multi')]);
  assert.match(stderr, /no matching manifest for linux\/s390x in the manifest list entries/);
  await ok('pull', `${name('multi')}@${arm.digest}`);
  assert.equal(await ok('inspect', '-f', '{{.Id}}', `${name('multi')}@${arm.digest}`), arm.id);
  await ok('image', 'prune', '-af');
});

test('one manifest for another platform is pulled, with a warning', async () => {
  await putImage(scene.registry, 'foreign', { ...app('foreign'), extra: { architecture: 's390x' } }, 'latest');
  const out = await ok('pull', '--platform', 'linux/amd64', name('foreign'));
  assert.match(out, /does not match the specified platform: wanted linux\/amd64, actual: linux\/s390x/);
  await putImage(scene.registry, 'windows', { layers: [], extra: { os: 'windows' } }, 'latest');
  const { stderr } = await scene.daemon.docker(['pull', name('windows')]);
  assert.match(stderr, /image operating system "windows" cannot be used on this platform/);
  await ok('rmi', name('foreign'));
});

test('all tags of a repository are pulled, page by page', async () => {
  const images: StoredImage[] = [];
  for (const tag of ['a', 'b', 'c']) images.push(await putImage(scene.registry, 'many', app(tag), tag));
  const out = await ok('pull', '-a', name('many'));
  assert.match(out, new RegExp(`Status: Downloaded newer image for ${name('many')}\n`));
  const ids = await ok('images', '--no-trunc', '--format', '{{.Tag}} {{.ID}}', name('many'));
  assert.deepEqual(
    ids.split('\n').sort(),
    images.map(({ id }, at) => `${'abc'[at]} ${id}`),
  );
  await ok('rmi', name('many:a'), name('many:b'), name('many:c'));
});

test('what is not there, not an image, or of schema 1 is refused in words that are known', async () => {
  await putImage(scene.registry, 'there', app('there'), 'latest');
  const refusal = async (...args: string[]) => {
    const { code, stderr } = await scene.daemon.docker(['pull', ...args]);
    assert.equal(code, 1);
    return stderr.trim();
  };
  const unknown = 'manifest unknown: manifest unknown';
  assert.equal(
    await refusal(name('there:missing')),
    `Error response from daemon: manifest for ${name('there:missing')} not found: ${unknown}`,
  );
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.match(await refusal(name(`there@${digest}`)), new RegExp(`manifest for .*@${digest} not found: ${unknown}`));
  assert.match(
    await refusal('-a', name('nowhere')),
    /repository .*\/nowhere not found: name unknown: repository name not known/,
  );
  assert.match(await refusal('127.0.0.1:1/x'), /dial tcp 127\.0\.0\.1:1: connect: connection refused/);
  scene.proxy.misbehave = ({ path }) =>
    path.includes('/manifests/')
      ? {
          status: 401,
          headers: { 'WWW-Authenticate': 'Bearer realm="http://127.0.0.1:1/",error="insufficient_scope"' },
        }
      : undefined;
  assert.match(await refusal(name('private')), /127\.0\.0\.1:1/);
  scene.proxy.misbehave = ({ path }) =>
    path.includes('/manifests/')
      ? { status: 403, body: '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}' }
      : undefined;
  assert.match(
    await refusal(name('private')),
    /pull access denied for .*\/private, repository does not exist or may require 'docker login': denied: requested access to the resource is denied$/,
  );
  scene.proxy.misbehave = () => undefined;
  const config = await putBlob(scene.registry, 'chart', Buffer.from('{}'), 'application/vnd.cncf.helm.config.v1+json');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  await putManifest(scene.registry, 'chart', { schemaVersion: 2, mediaType, config, layers: [] }, 'latest');
  assert.match(await refusal(name('chart')), /Encountered remote "application\/vnd\.cncf\.helm\.config\.v1\+json"/);
  scene.proxy.misbehave = ({ path }) =>
    path.includes('/manifests/')
      ? {
          status: 200,
          headers: { 'Content-Type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
          body: '{}',
        }
      : undefined;
  assert.match(await refusal(name('old')), /old:latest is of Docker Image manifest version 2, schema 1/);
  scene.proxy.misbehave = () => undefined;
  assert.match(await refusal('scratch'), /'scratch' is a reserved name/);
  assert.equal(await ok('images', '-q'), '');
});

test('a layer that is here by its diffID is not downloaded, whatever its compressed digest', async () => {
  const shared = makeTar([{ name: 'random', body: randomBytes(200_000) }]);
  await putImage(scene.registry, 'one', { layers: [shared], compression: 'gzip' }, 'latest');
  const zstd = await putImage(
    scene.registry,
    'two',
    { layers: [shared, layer('more')], compression: 'zstd' },
    'latest',
  );
  await ok('pull', '-q', name('one'));
  const out = await ok('pull', name('two'));
  assert.match(out, new RegExp(`${short(zstd.layers[0]!.digest)}: Already exists`));
  assert.equal(scene.proxy.bytesOf(zstd.layers[0]!.digest), 0);
  await ok('rmi', name('one'), name('two'));
});

test("wherry pulls with docker's lines, and as its run and create are told", async () => {
  const image = await putImage(scene.registry, 'own', app('own'), 'latest');
  const wherry = async (...args: string[]) => {
    const { code, stdout, stderr } = await scene.daemon.wherry(args);
    assert.equal(code, 0, stderr);
    return { stdout, stderr };
  };
  const { stdout } = await wherry('pull', name('own'));
  await ok('rmi', name('own'));
  const lines = (text: string) => text.trimEnd().split('\n').sort();
  const usual = lines(await ok('pull', name('own'))).filter((line) => !line.endsWith(': Waiting'));
  assert.deepEqual(
    lines(stdout).filter((line) => !line.endsWith(': Waiting')),
    usual,
  );
  assert.equal((await wherry('pull', '-q', name('own'))).stdout, `${name('own:latest')}\n`);
  assert.match((await wherry('pull', '-a', name('own'))).stdout, /Status: Image is up to date for/);
  assert.match(
    (await scene.daemon.wherry(['pull', '-a', name('own:latest')])).stderr,
    /tag can't be used with --all-tags\/-a/,
  );
  await ok('rmi', name('own'));
  const never = await scene.daemon.wherry(['run', '--rm', '--pull', 'never', name('own')]);
  assert.deepEqual([never.code, /No such image/.test(never.stderr)], [125, true]);
  const { stdout: printed, stderr } = await wherry('run', '--rm', name('own'));
  assert.equal(printed, 'own\n');
  assert.match(stderr, /Unable to find image '.*own:latest' locally\n.*Pulling from own/);
  const newer = await putImage(scene.registry, 'own', app('newer'), 'latest');
  assert.equal((await wherry('run', '--rm', '--quiet', name('own'))).stdout, 'own\n');
  assert.deepEqual(await wherry('run', '--rm', '-q', '--pull', 'always', name('own')), {
    stdout: 'newer\n',
    stderr: '',
  });
  assert.equal(await ok('inspect', '-f', '{{.Id}}', name('own')), newer.id);
  const created = await wherry('create', '--pull', 'always', name('own'));
  await ok('rm', created.stdout.trim());
  await ok('rmi', name('own'), image.id);
});

test('docker compose pulls what its services need', async () => {
  await putImage(scene.registry, 'composed/one', app('one'), 'latest');
  await putImage(scene.registry, 'composed/two', app('two'), 'v2');
  const file = join(scene.daemon.folder, 'compose.yaml');
  const services = {
    one: { image: name('composed/one'), network_mode: 'none' },
    two: { image: name('composed/two:v2'), network_mode: 'none' },
  };
  await writeFile(file, JSON.stringify({ name: 'wherry-pull', services }));
  const { code, stderr } = await scene.daemon.docker(['compose', '-f', file, 'pull', 'one']);
  assert.equal(code, 0, stderr);
  assert.equal(await ok('images', '--format', '{{.Repository}}'), name('composed/one'));
  const up = await scene.daemon.docker(['compose', '-f', file, 'up', '--no-color']);
  assert.equal(up.code, 0, up.stderr);
  assert.match(up.stdout, /one.*\| one/);
  assert.match(up.stdout, /two.*\| two/);
  await scene.daemon.docker(['compose', '-f', file, 'down']);
  await ok('rmi', name('composed/one'), name('composed/two:v2'));
});

test('a pull is an event with the reference as its id', async () => {
  await putImage(scene.registry, 'eventful', { ...app('e'), config: { Labels: { kind: 'test' } } }, 'latest');
  const since = `${Date.now() / 1000 - 1}`;
  await ok('pull', '-q', name('eventful'));
  const until = `${Date.now() / 1000 + 1}`;
  const line = await ok(
    'events',
    '--since',
    since,
    '--until',
    until,
    '--filter',
    'label=kind=test',
    '--filter',
    'event=pull',
    '--format',
    '{{json .}}',
  );
  const { Action, Actor } = JSON.parse(line);
  assert.deepEqual(
    [Action, Actor.ID, Actor.Attributes],
    ['pull', `${name('eventful')}:latest`, { kind: 'test', name: name('eventful') }],
  );
  await ok('rmi', name('eventful'));
});
