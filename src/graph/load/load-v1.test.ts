import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { digestOf } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';

const BASE = 'ba5e'.repeat(16);
const NOTE = 'c0de'.repeat(16);
const TOP = 'f00d'.repeat(16);

const layers = {
  base: makeTar([{ name: 'base', body: 'x'.repeat(100) }]),
  top: makeTar([{ name: 'top', body: Buffer.alloc(100_000, 'y') }]),
};

interface V1 {
  json: object;
  layer?: Buffer;
}

const chain: Record<string, V1> = {
  [TOP]: {
    json: { id: TOP, parent: NOTE, created: '2013-06-13T14:03:51Z', config: { Cmd: ['sh'] }, os: 'linux', Size: 3 },
    layer: gzipSync(layers.top),
  },
  [NOTE]: { json: { id: NOTE, parent: BASE, throwaway: true, comment: 'no files', os: 'linux' } },
  [BASE]: {
    json: {
      id: BASE,
      created: '2013-06-13T14:03:50.8-07:00',
      author: 'Someone',
      container_config: { Cmd: ['/bin/sh', '-c', 'echo'] },
      architecture: 'amd64',
      os: 'linux',
      unknown: 9007199254740993n.toString(),
    },
    layer: layers.base,
  },
};

function archive(images: Record<string, V1>, repositories?: object, extra: TarEntry[] = []): Buffer {
  const entries = Object.entries(images).flatMap(([id, { json, layer }]): TarEntry[] => [
    { name: `./${id}/`, type: 'dir' },
    { name: `./${id}/VERSION`, body: '1.0' },
    { name: `./${id}/json`, body: JSON.stringify(json) },
    ...(layer ? [{ name: `./${id}/layer.tar`, body: layer }] : []),
  ]);
  const names = repositories ? [{ name: './repositories', body: JSON.stringify(repositories) }] : [];
  return makeTar([...entries, ...names, ...extra]);
}

async function load(graph: TestGraph, bytes: Buffer): Promise<string[]> {
  const lines: string[] = [];
  await graph.graph.load(Readable.from([bytes]), {}, ({ stream }) => void (stream && lines.push(stream)));
  return lines;
}

test('an archive of the first specification is loaded, each layer as an image that its old id leads to', async (t) => {
  const opened = await openTestGraph(t);
  const repositories = { 'old/app': { v1: TOP, latest: TOP }, 'host:5000/base': { x: BASE } };
  assert.deepEqual(await load(opened, archive(chain, repositories)), [
    'Loaded image: host:5000/base:x\n',
    'Loaded image: old/app:v1\n',
    'Loaded image: old/app:latest\n',
  ]);
  const { graph } = opened;
  assert.equal(graph.size, 3);
  const top = graph.get('old/app');
  assert.deepEqual(top.diffIds, [digestOf(layers.base), digestOf(layers.top)]);
  assert.deepEqual(graph.get('host:5000/base:x').diffIds, [digestOf(layers.base)]);
  assert.equal(graph.get(TOP).id, top.id);
  assert.equal(graph.get('f00df00d').id, top.id);
  assert.equal(graph.inspect('old/app').Parent, graph.get(NOTE).id);
  assert.deepEqual(
    (await graph.history(TOP)).map(({ CreatedBy, Comment, Size }) => [CreatedBy, Comment, Size]),
    [
      ['', '', 100_000],
      ['', 'no files', 0],
      ['/bin/sh -c echo', '', 100],
    ],
  );
  await assertWhole(opened);
  await opened.reopen();
  assert.equal(opened.graph.get('f00d').id, top.id);
  await assert.rejects(opened.graph.remove(TOP), /must be forced/);
  await opened.graph.remove(TOP, { force: true });
  assert.throws(() => opened.graph.get(NOTE), /No such image/);
  assert.equal(opened.graph.get(BASE).id, opened.graph.get('host:5000/base:x').id);
});

test('names are not needed; the images that others stand on are not told of', async (t) => {
  const opened = await openTestGraph(t);
  const lines = await load(opened, archive(chain));
  assert.deepEqual(lines, [`Loaded image ID: ${opened.graph.get(TOP).id}\n`]);
  await opened.graph.remove('f00df00df00d');
  assert.equal(opened.graph.size, 0);
  assert.throws(() => opened.graph.get(TOP), /No such image/);
});

test('what is wrong with such an archive is named, and leaves nothing', async (t) => {
  const opened = await openTestGraph(t);
  const { [BASE]: base, ...withoutBase } = chain;
  const wrong: [Buffer, RegExp][] = [
    [archive(withoutBase), new RegExp(`the parent ${BASE} of ${NOTE} is not there`)],
    [
      archive({ [BASE]: { json: base!.json } }),
      new RegExp(`the layer of ${BASE} is "${BASE}/layer.tar", which is not there`),
    ],
    [archive({ [BASE]: { ...base!, json: { id: BASE, parent: BASE } } }), /lead in a circle/],
    [archive(chain, { app: { x: '9'.repeat(64) } }), /repositories names the image 9+, which is not there/],
    [archive(chain, { app: 7 }), /repositories: app is a number, not an object/],
    [archive({ [BASE]: { ...base!, layer: Buffer.from('no tar') } }), /.+/],
  ];
  for (const [bytes, message] of wrong) await assert.rejects(load(opened, bytes), { kind: 'invalid', message });
  await assertNothingStored(opened);
});
