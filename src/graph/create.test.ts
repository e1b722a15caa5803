import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BlobWriter } from '#content/blob-writer.ts';
import type { Image } from '#image/image.ts';
import { chainIds, digestOf, shortId } from '#lib/digest.ts';
import { parseReference } from '#lib/reference.ts';
import { assertNothingStored, assertWhole, openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeTar } from '#test/support/tar.ts';
import type { GraphOptions, ImageUser } from './graph.ts';

const tarOf = (name: string) => makeTar([{ name, body: Buffer.alloc(1500, name) }]);

/** Makes an image of a parent and one file, as commit does. */
async function child({ graph, content }: TestGraph, name: string, parent?: Image, tag?: string): Promise<Image> {
  const folder = await content.beginIngest();
  const writer = new BlobWriter(join(folder, 'layer'));
  writer.write(tarOf(name));
  const layer = await writer.finish();
  const reference = tag === undefined ? undefined : parseReference(`${tag}:latest`);
  const image = await graph.create({ parent, layer, config: { Cmd: [name] }, createdBy: `add ${name}`, reference });
  await content.endIngest(folder);
  return image;
}

/** base <- middle <- top; the last one has a name. */
async function threeGenerations(t: TestContext, options: Partial<GraphOptions> = {}) {
  const opened = await openTestGraph(t, options);
  const base = await child(opened, 'base', undefined, 'base');
  const middle = await child(opened, 'middle', base);
  const top = await child(opened, 'top', middle, 'top');
  return { opened, base, middle, top };
}

const deleted = (image: Image, ...layers: number[]) => [
  { Deleted: image.id },
  ...layers.map((at) => ({ Deleted: chainIds(image.diffIds)[at]! })),
];

test('a child has its parents layers, history and platform, and its own config', async (t) => {
  const { opened, base, middle, top } = await threeGenerations(t);
  assert.deepEqual(top.diffIds, ['base', 'middle', 'top'].map(tarOf).map(digestOf));
  assert.deepEqual(top.layerSizes, [1500, 1500, 1500]);
  await opened.reopen();
  const { graph } = opened;
  assert.deepEqual(
    (await graph.history('top')).map(({ CreatedBy, Size }) => [CreatedBy, Size]),
    [
      ['add top', 1500],
      ['add middle', 1500],
      ['add base', 1500],
    ],
  );
  const { Parent, Config, Architecture, RepoTags } = graph.inspect('top');
  assert.deepEqual([Parent, Config, Architecture, RepoTags], [middle.id, { Cmd: ['top'] }, 'amd64', ['top:latest']]);
  assert.equal(digestOf(await graph.config('top')), top.id);
  assert.equal(graph.parentOf(middle.id)?.id, base.id);
  assert.deepEqual([...graph.childrenOf(base.id)], [middle.id]);
  await assertWhole(opened);
});

test('a step that changes no file makes an image without a new layer', async (t) => {
  const { opened, base } = await threeGenerations(t);
  const folder = await opened.content.beginIngest();
  const writer = new BlobWriter(join(folder, 'layer'));
  writer.write(Buffer.alloc(1024));
  const layer = await writer.finish();
  const image = await opened.graph.create({ parent: base, layer, config: { Env: ['A=b'] } });
  await opened.content.endIngest(folder);
  assert.deepEqual(image.diffIds, base.diffIds);
  const [newest] = await opened.graph.history(image.id);
  assert.deepEqual([newest!.Id, newest!.Size], [image.id, 0]);
  await assertWhole(opened);
});

test('a tar that cannot be a layer makes no image', async (t) => {
  const opened = await openTestGraph(t);
  const folder = await opened.content.beginIngest();
  const writer = new BlobWriter(join(folder, 'layer'));
  writer.write(Buffer.alloc(2048, 'x'));
  const layer = await writer.finish();
  await assert.rejects(opened.graph.create({ layer, config: {} }), /checksum|header/i);
  await opened.content.endIngest(folder);
  await assertNothingStored(opened);
});

test('images in between are listed with all only, and are not dangling', async (t) => {
  const { opened, base, middle, top } = await threeGenerations(t);
  const ids = (query: object) => new Set(opened.graph.list(query).map(({ Id }) => Id));
  assert.deepEqual(ids({}), new Set([base.id, top.id]));
  assert.deepEqual(ids({ all: true }), new Set([base.id, middle.id, top.id]));
  assert.deepEqual(ids({ all: true, filters: new Map([['dangling', ['true']]]) }), new Set());
  assert.deepEqual(ids({ all: true, filters: new Map([['dangling', ['false']]]) }), new Set([base.id, top.id]));
});

test('an image that others were made from can be untagged, but not deleted', async (t) => {
  const { opened, base, middle } = await threeGenerations(t);
  const { graph } = opened;
  for (const force of [false, true]) {
    await assert.rejects(graph.remove(base.id, { force }), {
      message: `conflict: unable to delete ${shortId(base.id)} (cannot be forced) - image has dependent child images`,
    });
  }
  assert.deepEqual(await graph.remove('base'), [{ Untagged: 'base:latest' }]);
  assert.equal(graph.get(base.id).id, base.id);
  await assert.rejects(graph.remove(middle.id), /image has dependent child images/);
});

test('with an image go its parents that have no name, and their layers', async (t) => {
  const { opened, base, middle, top } = await threeGenerations(t);
  assert.deepEqual(await opened.graph.remove('top'), [
    { Untagged: 'top:latest' },
    ...deleted(top, 2),
    ...deleted(middle, 1),
  ]);
  assert.deepEqual(
    opened.graph.list({ all: true }).map(({ Id }) => Id),
    [base.id],
  );
  await assertWhole(opened);
});

test('parents stay with noprune, and while a container stands on them', async (t) => {
  const users: ImageUser[] = [];
  const userOf = (id: string): ImageUser[] => (id === used ? users : []);
  let used = '';
  const { opened, base, middle, top } = await threeGenerations(t, { users: userOf });
  used = middle.id;
  users.push({ containerId: 'c'.repeat(64), running: false });
  assert.deepEqual(await opened.graph.remove('top'), [{ Untagged: 'top:latest' }, ...deleted(top, 2)]);
  users.pop();
  assert.deepEqual(await opened.graph.remove(middle.id, { noprune: true }), deleted(middle, 1));
  assert.deepEqual(await opened.graph.remove('base'), [{ Untagged: 'base:latest' }, ...deleted(base, 0)]);
  await assertNothingStored(opened);
});
