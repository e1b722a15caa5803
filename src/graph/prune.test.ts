import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf } from '#lib/digest.ts';
import { defaultDriver } from '#test/support/driver.ts';
import { assertNothingStored, assertWhole, openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeArchive, type TestImage } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';
import type { GraphOptions } from './graph.ts';

const layer = (name: string, size = 2000) => makeTar([{ name, body: Buffer.alloc(size, name) }]);

async function graphWith(t: TestContext, images: TestImage[], options: Partial<GraphOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-images-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'images.tar');
  const ids = await makeArchive(path, images);
  const opened = await openTestGraph(t, options);
  await opened.load(path);
  return { opened, graph: opened.graph, ids };
}

const filters = (given: Record<string, string[]> = {}) => new Map(Object.entries(given));
const ALL = filters({ dangling: ['false'] });

/** Bytes of all files that are kept for images; overlay2 does not count its own note of what a layer is. */
async function bytesOnDisk({ root }: TestGraph): Promise<number> {
  let sum = 0;
  for (const folder of ['content', `graph/${defaultDriver}`]) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && entry.name !== 'layer.json') sum += (await stat(join(entry.parentPath, entry.name))).size;
    }
  }
  return sum;
}

test('only images without a tag go, and the space that they free is what the disk gets back', async (t) => {
  const [base, own] = [layer('base', 100_001), layer('own', 50_000)];
  const { opened, graph, ids } = await graphWith(t, [
    { layers: [base], tags: ['base:latest'] },
    { layers: [base, own] },
    { layers: [base], config: { Cmd: ['other'] } },
  ]);
  const before = await bytesOnDisk(opened);
  const report = await graph.prune(filters());
  assert.equal(report.SpaceReclaimed, before - (await bytesOnDisk(opened)));
  assert.deepEqual(
    new Set(report.ImagesDeleted?.map(({ Deleted }) => Deleted)),
    new Set([ids[1], ids[2], digestOf(`${digestOf(base)} ${digestOf(own)}`)]),
  );
  assert.deepEqual(await graph.prune(filters()), { ImagesDeleted: null, SpaceReclaimed: 0 });
  await assertWhole(opened);
});

test('with dangling=false all go that no container uses, running or not, whatever names they have', async (t) => {
  let used = '';
  const users = (id: string) => (id === used ? [{ containerId: 'c'.repeat(64), running: false }] : []);
  const images = [
    { layers: [layer('a')], tags: ['a:1', 'a:2', 'b:1'] },
    { layers: [layer('c')], tags: ['c:1', 'c:2'] },
  ];
  const { opened, graph, ids } = await graphWith(t, images, { users });
  used = ids[1]!;
  const { ImagesDeleted } = await graph.prune(ALL);
  assert.deepEqual(
    ImagesDeleted?.flatMap(({ Untagged = [] }) => Untagged),
    ['a:1', 'a:2', 'b:1'],
  );
  assert.deepEqual(graph.referencesOf(graph.get('c:1').id), ['c:1', 'c:2']);
  used = '';
  await graph.prune(ALL);
  await assertNothingStored(opened);
});

test('filters choose by age and labels', async (t) => {
  const image = (name: string, created: string, Labels: Record<string, string>): TestImage => ({
    layers: [layer(name)],
    tags: [`${name}:latest`],
    config: { Labels },
    extra: { created },
  });
  const { graph } = await graphWith(t, [
    image('old', '2020-01-01T00:00:00Z', { keep: 'no' }),
    image('kept', '2020-01-01T00:00:00Z', { keep: 'yes' }),
    image('young', '2024-01-01T00:00:00Z', { keep: 'no' }),
  ]);
  const gone = async (more: Record<string, string[]>) =>
    (await graph.prune(filters({ dangling: ['false'], ...more }))).ImagesDeleted?.flatMap(
      (item) => item.Untagged ?? [],
    );
  assert.equal(await gone({ until: ['2019-01-01'] }), undefined);
  assert.equal(await gone({ label: ['nothing'] }), undefined);
  assert.deepEqual(await gone({ until: ['2021-01-01'], 'label!': ['keep=yes'] }), ['old:latest']);
  assert.deepEqual(await gone({ label: ['keep=no'] }), ['young:latest']);
  await assert.rejects(graph.prune(filters({ reference: ['x'] })), { message: "invalid filter 'reference'" });
  await assert.rejects(graph.prune(filters({ until: ['x'] })), { kind: 'invalid' });
});

test('of two prunes at a time the second is refused', async (t) => {
  const { graph } = await graphWith(t, [{ layers: [layer('a')] }]);
  const first = graph.prune(filters());
  await assert.rejects(graph.prune(filters()), { message: 'a prune operation is already running', kind: 'conflict' });
  assert.equal((await first).ImagesDeleted?.length, 2);
});

test('an image that a container is being made from stays', async (t) => {
  const { graph, ids } = await graphWith(t, [{ layers: [layer('a')] }]);
  const hold = await graph.hold(ids[0]!);
  assert.equal((await graph.prune(ALL)).ImagesDeleted, null);
  await hold[Symbol.asyncDispose]();
  assert.equal((await graph.prune(ALL)).ImagesDeleted?.length, 2);
});

test('the usage of images adds up to what lies on the disk', async (t) => {
  const [base, one, two] = [layer('base', 70_000), layer('one', 3), layer('two', 999)];
  const { opened, graph } = await graphWith(t, [
    { layers: [base, one], tags: ['one:latest'] },
    { layers: [base, two], tags: ['two:latest'] },
    { layers: [], tags: ['none:latest'] },
  ]);
  const { layersSize, images } = await graph.usage();
  assert.equal(layersSize, await bytesOnDisk(opened));
  const unique = images.reduce((sum, { Size, SharedSize }) => sum + Size - SharedSize, 0);
  const shared = images.find(({ RepoTags }) => RepoTags.includes('one:latest'))!.SharedSize;
  assert.equal(unique + shared, layersSize);
  await opened.reopen();
  assert.equal((await opened.graph.usage()).layersSize, layersSize);
});
