import assert from 'node:assert/strict';
import { truncate, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readTar } from '#archive/tar-stream.ts';
import { isEngineError } from '#errors/errors.ts';
import { openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeArchive, type TestImage } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

const layer = (name: string, kilobytes: number) =>
  makeTar([{ name: 'file', body: Buffer.alloc(kilobytes * 1024, name) }]);

const shared = layer('shared', 3000);
const images: TestImage[] = [
  { layers: [shared, layer('app', 1)], tags: ['app:1', 'app:2', 'host:5000/other/app:1'], config: { Cmd: ['x'] } },
  { layers: [shared, layer('tool', 20)], tags: ['tool:latest'] },
  { layers: [], tags: ['nothing:latest'] },
];

async function loaded(t: Parameters<typeof openTestGraph>[0], options = {}): Promise<TestGraph> {
  const source = await openTestGraph(t, options);
  const path = `${source.root}/images.tar`;
  await makeArchive(path, images);
  await source.load(path);
  return source;
}

async function saved(graph: TestGraph, ...names: string[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(await graph.graph.save(names), (piece) => Buffer.from(piece)));
}

async function membersOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  for await (const { entry, body } of readTar(Readable.from([archive]))) {
    members.set(entry.name, Buffer.concat(await Array.fromAsync(body)));
  }
  return members;
}

test('what is saved can be loaded again, and is the same when it is saved again', async (t) => {
  const events: string[] = [];
  const source = await loaded(t, {
    onEvent: ({ action, name }: { action: string; name: string }) => events.push(`${action} ${name}`),
  });
  const archive = await saved(source, 'app:1', 'tool', 'app:2', 'nothing');
  const id = source.graph.get('app:1').id;
  assert.deepEqual(
    events.slice(3),
    [id, source.graph.get('tool').id, source.graph.get('nothing').id].map((name) => `save ${name}`),
  );
  const target = await openTestGraph(t);
  await target.graph.load(Readable.from([archive]));
  assert.equal(target.graph.get('app:1').id, id);
  assert.deepEqual(target.graph.referencesOf(id), ['app:1', 'app:2']);
  assert.deepEqual(target.graph.get('nothing').diffIds, []);
  assert.ok((await saved(target, 'app:1', 'tool', 'app:2', 'nothing')).equals(archive));
});

test('an archive holds each layer once, and what every reader looks for', async (t) => {
  const source = await loaded(t);
  const members = await membersOf(await saved(source, 'app:1', 'tool'));
  const names = [...members.keys()];
  assert.deepEqual(names, names.toSorted());
  assert.deepEqual(
    names.filter((name) => !name.startsWith('blobs/')),
    ['index.json', 'manifest.json', 'oci-layout', 'repositories'],
  );
  assert.equal(names.length, 2 + 3 + 2 + 2 + 4); // folders, layers, configs, manifests, names
  const json = (name: string) => JSON.parse(members.get(name)!.toString());
  assert.deepEqual(
    json('manifest.json').map(({ RepoTags }: { RepoTags: string[] }) => RepoTags),
    [['app:1'], ['tool:latest']],
  );
  assert.deepEqual(
    json('index.json').manifests.map(({ annotations }: { annotations: object }) => annotations),
    [
      { 'io.containerd.image.name': 'docker.io/library/app:1', 'org.opencontainers.image.ref.name': '1' },
      { 'io.containerd.image.name': 'docker.io/library/tool:latest', 'org.opencontainers.image.ref.name': 'latest' },
    ],
  );
  assert.deepEqual(Object.keys(json('repositories')), ['app', 'tool']);
});

test('a repository means all of its tags, an id none', async (t) => {
  const source = await loaded(t);
  const tags = async (...names: string[]) => {
    const manifest = (await membersOf(await saved(source, ...names))).get('manifest.json')!;
    return JSON.parse(manifest.toString()).map(({ RepoTags }: { RepoTags: string[] | null }) => RepoTags);
  };
  assert.deepEqual(await tags('app'), [['app:1', 'app:2']]);
  assert.deepEqual(await tags('host:5000/other/app'), [['host:5000/other/app:1']]);
  const { id } = source.graph.get('tool');
  assert.deepEqual(await tags(id), [null]);
  assert.deepEqual(await tags(id.slice(7, 19), 'app:2', 'tool:latest'), [['tool:latest'], ['app:2']]);
});

test('what cannot be saved is refused by name, before the first byte', async (t) => {
  const source = await loaded(t);
  const platforms = [{ os: 'linux', architecture: 's390x' }];
  await assert.rejects(source.graph.save(['app:1', 'missing']), /No such image: missing:latest/);
  await assert.rejects(
    source.graph.save(['app:1'], platforms),
    /image with reference app:1 was found but its platform \(linux\/amd64\) does not match the specified platform \(linux\/s390x\)/,
  );
  const [bottom, top] = source.graph.get('app:1').diffIds;
  await truncate(source.content.pathOf(bottom!), 1000);
  const isBroken = (error: unknown) => isEngineError(error, 'system') && error.code === 'BLOB_CORRUPT';
  await assert.rejects(
    source.graph.save(['tool']),
    (error: Error) => isBroken(error) && /tool:latest: its layer sha256:\w+ has 1000 of \d+ bytes/.test(error.message),
  );
  await unlink(source.content.pathOf(top!));
  await assert.rejects(source.graph.save(['app:2']), isBroken);
  await unlink(source.content.pathOf(source.graph.get('nothing').id));
  await assert.rejects(source.graph.save(['nothing']), isBroken);
});

test('an image that is removed while it is saved is whole in the archive; a reader that leaves keeps nothing', async (t) => {
  const source = await loaded(t);
  const whole = await saved(source, 'tool');
  const archive = (await source.graph.save(['tool']))[Symbol.asyncIterator]();
  const pieces = [Buffer.from((await archive.next()).value)];
  await source.graph.remove('tool');
  for (let next = await archive.next(); !next.done; next = await archive.next()) pieces.push(Buffer.from(next.value));
  assert.ok(Buffer.concat(pieces).equals(whole));
  const left = (await source.graph.save(['app:1']))[Symbol.asyncIterator]();
  for (let i = 0; i < 4; i++) await left.next();
  const { diffIds } = source.graph.get('app:1');
  for (const name of ['app:1', 'app:2', 'host:5000/other/app:1']) await source.graph.remove(name);
  assert.ok(await source.content.has(diffIds[0]!));
  await left.return?.();
  assert.ok(!(await source.content.has(diffIds[0]!)));
});
