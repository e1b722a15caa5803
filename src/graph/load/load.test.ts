import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ManifestSummary } from '#api/types/image.ts';
import { isEngineError } from '#errors/errors.ts';
import { digestOf } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openTestGraph } from '#test/support/graph.ts';
import { type ArchiveForm, busyboxArchive, makeArchive, type TestImage } from '#test/support/images.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';

const run = promisify(execFile);

/** A layer of about `kilobytes`, different for each `name`. */
function layer(name: string, kilobytes = 40): Buffer {
  return makeTar([
    { name: `${name}/`, type: 'dir' },
    { name: `${name}/file`, body: Buffer.alloc(kilobytes * 1024, name) },
  ]);
}

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-load-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const twoLayers: TestImage = {
  layers: [layer('one'), layer('two', 1)],
  tags: ['app:1', 'app:2'],
  config: { Cmd: ['x'] },
};

for (const form of ['docker', 'oci', 'both'] satisfies ArchiveForm[]) {
  test(`an archive of the form '${form}' is loaded, its config byte for byte`, async (t) => {
    const path = join(await scratch(t), 'image.tar');
    const [id] = await makeArchive(path, [twoLayers], { form });
    const loaded = await openTestGraph(t);
    const messages = await loaded.load(path);
    assert.deepEqual(
      messages.flatMap(({ stream }) => stream ?? []),
      ['Loaded image: app:1\n', 'Loaded image: app:2\n'],
    );
    assert.deepEqual(
      loaded.graph.get('app:1').diffIds,
      twoLayers.layers.map((tar) => digestOf(tar)),
    );
    assert.equal(loaded.graph.get('app:2').id, id);
    assert.equal(digestOf(await loaded.content.read(loaded.graph.get('app:1').id)), id);
    await assertWhole(loaded);
  });
}

const outer: [string, (path: string) => Promise<unknown>][] = [
  ['gzip', (path) => run('gzip', ['-f', path]).then(() => `${path}.gz`)],
  ['zstd', (path) => run('zstd', ['-q', path]).then(() => `${path}.zst`)],
  ['bzip2', (path) => run('bzip2', [path]).then(() => `${path}.bz2`)],
  ['xz', (path) => run('xz', ['-1', path]).then(() => `${path}.xz`)],
];

for (const [name, compress] of outer) {
  test(`an archive compressed with ${name} is loaded`, async (t) => {
    const path = join(await scratch(t), 'image.tar');
    await makeArchive(path, [twoLayers]);
    const loaded = await openTestGraph(t);
    await loaded.load(String(await compress(path)));
    await assertWhole(loaded);
    assert.equal(loaded.graph.size, 1);
  });
}

for (const [name, compressLayer] of [
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const) {
  test(`layers compressed with ${name} are stored plain, and known again by their compressed digest`, async (t) => {
    const path = join(await scratch(t), 'image.tar');
    const noise = Buffer.from(Array.from({ length: 30_000 }, (_, at) => (at * at * 31) >>> 7));
    const image = { layers: [makeTar([{ name: 'noise', body: noise }]), layer('two')], tags: ['packed:latest'] };
    await makeArchive(path, [image], { form: 'oci', compressLayer });
    const loaded = await openTestGraph(t);
    await loaded.load(path);
    await assertWhole(loaded);
    const before = await loaded.db.read('SELECT * FROM blobs');
    assert.equal(before.length, 2);
    await loaded.reopen();
    assert.deepEqual(
      (await loaded.load(path)).map(({ status }) => status).filter(Boolean),
      [],
      'no layer is loaded twice',
    );
    await assertWhole(loaded);
  });
}

for (const program of ['bzip2', 'xz']) {
  test(`layers compressed with ${program} are stored plain`, async (t) => {
    const path = join(await scratch(t), 'image.tar');
    const compressLayer = (tar: Buffer) => execFileSync(program, ['-c'], { input: tar });
    await makeArchive(path, [twoLayers], { form: 'oci', compressLayer });
    const loaded = await openTestGraph(t);
    await loaded.load(path);
    await assertWhole(loaded);
    assert.equal(loaded.graph.size, 1);
  });
}

test('several images of one archive share their layers', async (t) => {
  const path = join(await scratch(t), 'images.tar');
  const base = layer('base');
  await makeArchive(path, [
    { layers: [base, layer('a')], tags: ['a:latest'] },
    { layers: [base, layer('b')], tags: ['b:latest'] },
    { layers: [base, base], config: { Labels: { unnamed: 'yes' } } },
  ]);
  const loaded = await openTestGraph(t);
  const messages = await loaded.load(path);
  assert.equal(loaded.graph.size, 3);
  assert.match(messages.at(-1)!.stream!, /^Loaded image ID: sha256:[0-9a-f]{64}\n$/);
  assert.equal((await loaded.db.read('SELECT * FROM layers')).length, 3);
  await assertWhole(loaded);
});

test('an image without layers is an image', async (t) => {
  const path = join(await scratch(t), 'scratch.tar');
  await makeArchive(path, [{ layers: [], tags: ['nothing:latest'] }]);
  const loaded = await openTestGraph(t);
  await loaded.load(path);
  assert.equal(loaded.graph.inspect('nothing').Size, 0);
  await assertWhole(loaded);
});

test('layers that are links to other layers are followed, as docker save once wrote them', async (t) => {
  const path = join(await scratch(t), 'links.tar');
  const [one, two] = [layer('one'), layer('two')];
  const diffIds = [one, two, one, two].map((tar) => digestOf(tar));
  const config = JSON.stringify({ os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } });
  const Layers = ['1/layer.tar', '2/layer.tar', '3/layer.tar', '4/layer.tar'];
  await writeFile(
    path,
    makeTar([
      { name: './1/', type: 'dir' },
      { name: './1/layer.tar', body: one },
      { name: '3/layer.tar', type: 'symlink', linkName: '../1/layer.tar' },
      { name: '2/layer.tar', body: two },
      { name: '4/layer.tar', type: 'link', linkName: '2/layer.tar' },
      { name: '1/VERSION', body: '1.0' },
      { name: 'config.json', body: config },
      { name: 'manifest.json', body: JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers }]) },
    ]),
  );
  const loaded = await openTestGraph(t);
  await loaded.load(path);
  assert.deepEqual(loaded.graph.get(digestOf(config)).diffIds, diffIds);
  await assertWhole(loaded);
});

test('of an image for several platforms the one for this machine is taken, or the one asked for', async (t) => {
  const folder = await scratch(t);
  const members: TarEntry[] = [];
  const blob = (value: unknown) => {
    const body = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
    members.push({ name: `blobs/sha256/${digestOf(body).slice(7)}`, body });
    return { digest: digestOf(body), size: body.length };
  };
  const manifestFor = (architecture: string) => {
    const tar = layer(architecture);
    const config = blob({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } });
    const mediaType = 'application/vnd.oci.image.config.v1+json';
    const manifest = {
      schemaVersion: 2,
      config: { ...config, mediaType },
      layers: [{ ...blob(tar), mediaType: 'tar' }],
    };
    return {
      ...blob(manifest),
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      platform: { os: 'linux', architecture },
    };
  };
  const attestation = { ...blob({ schemaVersion: 2 }), platform: { os: 'unknown', architecture: 'unknown' } };
  const index = blob({ schemaVersion: 2, manifests: [manifestFor('arm64'), manifestFor('amd64'), attestation] });
  const annotations = { 'org.opencontainers.image.ref.name': 'many:latest' };
  members.push({
    name: 'index.json',
    body: JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations }] }),
  });
  const path = join(folder, 'many.tar');
  await writeFile(path, makeTar(members));
  const loaded = await openTestGraph(t);
  await loaded.load(path, { platforms: [{ os: 'linux', architecture: 'amd64' }] });
  assert.equal(loaded.graph.inspect('many').Architecture, 'amd64');
  await assertWhole(loaded);
  await loaded.load(path, { platforms: [{ os: 'linux', architecture: 'arm64' }] });
  assert.equal(loaded.graph.inspect('many').Architecture, 'arm64');
  await assertWhole(loaded);
  assert.equal(digestOf(await loaded.content.read(index.digest)), index.digest);
  const { Descriptor, Manifests } = await loaded.graph.manifests('many');
  assert.equal(Descriptor?.digest, index.digest);
  assert.deepEqual(
    Manifests.map(({ Kind, Available, Descriptor: { platform } }) => [Kind, Available, platform?.architecture]),
    [
      ['image', true, 'arm64'],
      ['image', false, 'amd64'],
      ['attestation', false, 'unknown'],
    ],
  );
  const [{ Size, ImageData }] = Manifests as [ManifestSummary];
  assert.ok(Size.Content > layer('arm64').length && Size.Total === Size.Content + ImageData!.Size.Unpacked);
  const amd64 = { os: 'linux', architecture: 'amd64' };
  assert.throws(() => loaded.graph.inspect('many', amd64), /its platform \(linux\/arm64\) does not match/);
  await assert.rejects(loaded.graph.history('many', amd64), /does not match the specified platform/);
  const elsewhere = [{ os: 'linux', architecture: 's390x' }];
  await assert.rejects(loaded.load(path, { platforms: elsewhere }), /it has no image for the platform linux\/s390x/);
});

test('loading again changes nothing but the time of the tag; another image takes the tag over', async (t) => {
  const folder = await scratch(t);
  await makeArchive(join(folder, '1.tar'), [{ layers: [layer('one')], tags: ['app:latest'] }]);
  await makeArchive(join(folder, '2.tar'), [{ layers: [layer('two')], tags: ['app:latest'] }]);
  const loaded = await openTestGraph(t);
  await loaded.load(join(folder, '1.tar'));
  const before = loaded.graph.inspect('app');
  await loaded.load(join(folder, '1.tar'));
  const again = loaded.graph.inspect('app');
  assert.deepEqual({ ...again, Metadata: null }, { ...before, Metadata: null });
  const messages = await loaded.load(join(folder, '2.tar'));
  assert.ok(
    messages.some(({ stream }) => stream?.includes(`renaming the old one with ID ${before.Id} to empty string`)),
  );
  assert.deepEqual(loaded.graph.inspect(before.Id).RepoTags, []);
  assert.deepEqual(loaded.graph.inspect('app').RepoTags, ['app:latest']);
  await loaded.reopen();
  assert.deepEqual(loaded.graph.inspect(before.Id).RepoTags, []);
  await assertWhole(loaded);
});

test('quiet loads say only what was loaded', async (t) => {
  const loaded = await openTestGraph(t);
  const messages = await loaded.load(await busyboxArchive(), { quiet: true });
  assert.deepEqual(messages, [{ stream: 'Loaded image: busybox:latest\n' }]);
});

test('a loaded image can be mounted and read', async (t) => {
  const { graph, driver, load } = await openTestGraph(t);
  await load(await busyboxArchive());
  const { image } = await graph.hold('busybox');
  await driver.createReadWrite('c1', image.diffIds);
  const { path } = await driver.get('c1');
  assert.deepEqual(await readFile(join(path, 'bin/ls')), await readFile('/usr/bin/busybox'));
  await driver.remove('c1');
});

test('a client that goes away in the middle leaves nothing', async (t) => {
  const path = join(await scratch(t), 'image.tar');
  await makeArchive(path, [{ layers: [layer('one', 3000), layer('two', 3000)], tags: ['app:latest'] }]);
  const bytes = await readFile(path);
  const loaded = await openTestGraph(t);
  await t.test('its connection breaks', async () => {
    const broken = Readable.from(
      (async function* () {
        yield bytes.subarray(0, 4 << 20);
        throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
      })(),
    );
    await assert.rejects(loaded.graph.load(broken), { code: 'ECONNRESET' });
    await assertNothingStored(loaded);
  });
  await t.test('its request is cancelled while it waits', async () => {
    const abort = new AbortController();
    const stuck = Readable.from(
      (async function* () {
        yield bytes.subarray(0, 4 << 20);
        setTimeout(() => abort.abort(), 50);
        await new Promise((_, reject) => abort.signal.addEventListener('abort', () => reject(abort.signal.reason)));
      })(),
    );
    const loading = loaded.graph.load(stuck, { signal: abort.signal });
    await assert.rejects(
      loading,
      (error) => isEngineError(error, 'cancelled') || (error as Error).name === 'AbortError',
    );
    await assertNothingStored(loaded);
  });
});

test('the same archive loaded many times at once is stored once', async (t) => {
  const folder = await scratch(t);
  const shared = layer('shared', 500);
  const paths = ['a', 'b', 'c'].map((name) => join(folder, `${name}.tar`));
  await Promise.all(
    paths.map((path, at) =>
      makeArchive(path, [{ layers: [shared, layer(`own${at}`)], tags: [`app:${at}`] }], {
        form: at === 0 ? 'docker' : 'both',
      }),
    ),
  );
  const loaded = await openTestGraph(t);
  await Promise.all([...paths, ...paths].map((path) => loaded.load(path)));
  assert.equal(loaded.graph.size, 3);
  await assertWhole(loaded);
});

test('loads and removals of images with common layers never break each other', async (t) => {
  const folder = await scratch(t);
  const shared = layer('shared', 200);
  const paths = ['a', 'b'].map((name) => join(folder, `${name}.tar`));
  await Promise.all(
    paths.map((path, at) =>
      makeArchive(path, [{ layers: [shared, layer(`own${at}`, 30)], tags: [`app:${at}`] }], { form: 'docker' }),
    ),
  );
  const loaded = await openTestGraph(t);
  const churn = async (path: string, at: number) => {
    for (let round = 0; round < 8; round++) {
      await loaded.graph.load(createReadStream(path));
      await loaded.graph.remove(`app:${at}`);
    }
  };
  await Promise.all(paths.map(churn));
  await assertNothingStored(loaded);
  await loaded.load(paths[0]!);
  await assertWhole(loaded);
});
