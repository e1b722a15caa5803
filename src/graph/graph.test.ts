import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { type Digest, digestOf, shortId } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeArchive, type TestImage } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';
import type { GraphOptions, ImageEvent } from './graph.ts';

const layer = (name: string, size = 2000) => makeTar([{ name, body: Buffer.alloc(size, name) }]);

async function graphWith(
  t: TestContext,
  images: TestImage[],
  options: Partial<GraphOptions> = {},
): Promise<TestGraph & { ids: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-images-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'images.tar');
  const ids = await makeArchive(path, images, { form: 'docker' });
  const graph = await openTestGraph(t, options);
  if (images.length > 0) await graph.load(path);
  return Object.assign(graph, { ids });
}

const at = (created: string) => ({ created });
const error = (kind: 'not-found' | 'invalid' | 'conflict', message: string | RegExp) => (thrown: unknown) => {
  assert.ok(isEngineError(thrown, kind), String(thrown));
  if (typeof message === 'string') assert.equal(thrown.message, message);
  else assert.match(thrown.message, message);
  return true;
};

test('an image is found by reference, digest, id and the beginning of an id', async (t) => {
  const { graph, ids } = await graphWith(t, [{ layers: [layer('a')], tags: ['app:1', 'host:5000/x/y:latest'] }]);
  const id = ids[0]!;
  const names = ['app:1', 'docker.io/library/app:1', 'host:5000/x/y', id, id.slice(7), shortId(id), id.slice(0, 20)];
  for (const name of names) assert.equal(graph.get(name).id, id, name);
});

test('what is not found is named as Docker names it', async (t) => {
  const { graph } = await graphWith(t, [{ layers: [layer('a')], tags: ['app:1'] }]);
  const missing: [string, string][] = [
    ['app', 'No such image: app:latest'],
    ['nope:2', 'No such image: nope:2'],
    ['docker.io/library/nope', 'No such image: nope:latest'],
    [`app@${digestOf('x')}`, `No such image: app@${digestOf('x')}`],
    [digestOf('x'), `No such image: ${digestOf('x')}`],
    ['0'.repeat(64), `No such image: ${'0'.repeat(64)}`],
  ];
  for (const [name, message] of missing) assert.throws(() => graph.get(name), error('not-found', message));
  const upper = 'invalid reference format: repository name (library/UPPER) must be lowercase';
  assert.throws(() => graph.get('UPPER'), error('invalid', upper));
  assert.throws(() => graph.get(''), error('invalid', 'invalid reference format'));
});

test('a prefix that several ids have is not found, and says so', async (t) => {
  const images = Array.from({ length: 17 }, (_, n) => ({ layers: [], config: { Labels: { n: `${n}` } } }));
  const { graph, ids } = await graphWith(t, images);
  const digits = ids.map((id) => id.slice(7, 8));
  const shared = digits.find((digit, at) => digits.indexOf(digit) !== at)!;
  assert.throws(
    () => graph.get(shared),
    (thrown) => isEngineError(thrown, 'not-found') && /several image ids/.test(thrown.hint ?? ''),
  );
});

test('a reference counts before an id', async (t) => {
  const { graph, ids } = await graphWith(t, [
    { layers: [layer('a')], tags: ['a:latest'] },
    { layers: [layer('b')], tags: ['b:latest'] },
  ]);
  const prefix = shortId(ids[0]!);
  await graph.tag('b', { repo: prefix });
  assert.equal(graph.get(prefix).id, ids[1]);
});

test('tags move, and are written down', async (t) => {
  const events: ImageEvent[] = [];
  const onEvent = (event: ImageEvent) => events.push(event);
  const options = { onEvent };
  const images = [
    { layers: [layer('a')], tags: ['a:latest'], config: { Labels: { k: 'v' } } },
    { layers: [layer('b')], tags: ['b:latest'] },
  ];
  const opened = await graphWith(t, images, options);
  const { ids } = opened;
  await opened.graph.tag('a', { repo: 'x/y:1', tag: '2' });
  await opened.graph.tag('a', { repo: 'localhost:5000/z' });
  await opened.graph.tag('a', { repo: 'b', tag: '' });
  assert.deepEqual(events.at(-3), { action: 'tag', imageId: ids[0], name: 'x/y:2', labels: { k: 'v' } });
  await opened.reopen();
  assert.deepEqual(opened.graph.inspect('x/y:2').RepoTags, [
    'a:latest',
    'b:latest',
    'x/y:2',
    'localhost:5000/z:latest',
  ]);
  assert.deepEqual(opened.graph.inspect(ids[1]!).RepoTags, []);
  assert.notEqual(opened.graph.inspect('a').Metadata.LastTagTime, '0001-01-01T00:00:00Z');
});

test('what cannot be a tag is refused', async (t) => {
  const { graph } = await graphWith(t, [{ layers: [layer('a')], tags: ['a:latest'] }]);
  await assert.rejects(graph.tag('nope', { repo: 'x' }), error('not-found', 'No such image: nope:latest'));
  await assert.rejects(graph.tag('a', { repo: 'UPPER' }), error('invalid', /must be lowercase/));
  await assert.rejects(graph.tag('a', { repo: 'x', tag: '-bad-' }), error('invalid', /invalid tag format/));
  await assert.rejects(graph.tag('a', { repo: `x@${digestOf('x')}` }), error('invalid', /digest reference/));
  await assert.rejects(graph.tag('a', { repo: 'sha256' }), error('invalid', /refusing to create an ambiguous tag/));
  await assert.rejects(graph.tag('a', { repo: '' }), error('invalid', /invalid reference format/));
});

test('removing one of several tags only untags', async (t) => {
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:1', 'app:2'] }]);
  assert.deepEqual(await opened.graph.remove('app:1'), [{ Untagged: 'app:1' }]);
  await opened.reopen();
  assert.deepEqual(opened.graph.inspect('app:2').RepoTags, ['app:2']);
});

test('removing the last tag removes the image and the layers that no other image has', async (t) => {
  const [base, own] = [layer('base'), layer('own')];
  const opened = await graphWith(t, [
    { layers: [base], tags: ['base:latest'] },
    { layers: [base, own], tags: ['app:latest'] },
  ]);
  const chainId = digestOf(`${digestOf(base)} ${digestOf(own)}`);
  assert.deepEqual(await opened.graph.remove('app'), [
    { Untagged: 'app:latest' },
    { Deleted: opened.ids[1]! },
    { Deleted: chainId },
  ]);
  await assertWhole(opened);
  await opened.graph.remove(opened.ids[0]!);
  await assertNothingStored(opened);
});

test('an id removes the image with its one tag; several need force', async (t) => {
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:1', 'app:2'] }]);
  const id = opened.ids[0]!;
  await assert.rejects(
    opened.graph.remove(shortId(id)),
    error(
      'conflict',
      `conflict: unable to delete ${shortId(id)} (must be forced) - image is referenced in multiple repositories`,
    ),
  );
  assert.deepEqual(
    (await opened.graph.remove(shortId(id), { force: true })).map((item) => item.Untagged ?? item.Deleted),
    ['app:1', 'app:2', id, digestOf(layer('a'))],
  );
  await assertNothingStored(opened);
});

test('an image that containers use is kept, as Docker keeps it', async (t) => {
  const containerId = 'c'.repeat(64);
  let running = true;
  let used = true;
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:latest'] }], {
    users: () => (used ? [{ containerId, running }] : []),
    usedByContainer: () => used,
  });
  const { graph } = opened;
  const id = opened.ids[0]!;
  const byName = `conflict: unable to remove repository reference "app" (must force) - container ${shortId(containerId)} is using its referenced image ${shortId(id)}`;
  const byId = (how: string, state: string) =>
    `conflict: unable to delete ${shortId(id)} (${how}) - image is being used by ${state} container ${shortId(containerId)}`;
  await assert.rejects(graph.remove('app'), error('conflict', byName));
  await assert.rejects(graph.remove(id), error('conflict', byId('cannot be forced', 'running')));
  await assert.rejects(graph.remove(id, { force: true }), error('conflict', byId('cannot be forced', 'running')));
  assert.deepEqual(await graph.remove('app', { force: true }), [{ Untagged: 'app:latest' }], 'the image stays');
  assert.deepEqual(graph.get(id).diffIds.length, 1);
  running = false;
  await assert.rejects(graph.remove(id), error('conflict', byId('must be forced', 'stopped')));
  assert.deepEqual(await graph.remove(id, { force: true }), [{ Deleted: id }], 'its layer stays with the container');
  assert.ok(await opened.content.has(digestOf(layer('a'))));
  await opened.reopen();
  await opened.graph.sweep();
  assert.ok(await opened.content.has(digestOf(layer('a'))), 'also over a restart');
  used = false;
  await opened.graph.collectLayers([digestOf(layer('a'))]);
  await assertNothingStored(opened);
});

test('an image from which a container is being made cannot be removed', async (t) => {
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:latest'] }]);
  {
    await using held = await opened.graph.hold('app');
    assert.equal(held.image.id, opened.ids[0]);
    await assert.rejects(opened.graph.remove(held.image.id, { force: true }), error('conflict', /cannot be forced/));
    assert.deepEqual(await opened.graph.remove('app', { force: true }), [{ Untagged: 'app:latest' }]);
    await assertWhole(opened);
  }
  await opened.graph.remove(opened.ids[0]!);
  await assertNothingStored(opened);
});

test('an index that the driver has lost is made again when the image is needed', async (t) => {
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:latest'] }]);
  await opened.driver.removeLayer(digestOf(layer('a')));
  await using _held = await opened.graph.hold('app');
  assert.ok(await opened.driver.exists(digestOf(layer('a'))));
});

test('events tell of load, untag and delete', async (t) => {
  const events: ImageEvent[] = [];
  const images = [{ layers: [layer('a')], tags: ['app:latest'], config: { Labels: { k: 'v' } } }];
  const { graph, ids } = await graphWith(t, images, { onEvent: (event) => events.push(event) });
  await graph.remove('app');
  const [imageId, labels] = [ids[0], { k: 'v' }];
  assert.deepEqual(
    events,
    (['load', 'untag', 'delete'] as const).map((action) => ({ action, imageId, name: imageId, labels })),
  );
});

test('inspect and history tell what the config says', async (t) => {
  const { graph, ids } = await graphWith(t, [
    {
      layers: [layer('a', 1000), layer('b', 3000)],
      tags: ['app:1', 'app:2'],
      config: { Cmd: ['run'], Env: [], Healthcheck: { Test: ['NONE'], Interval: 30_000_000_000 }, Unknown: 1 },
      extra: {
        author: 'somebody',
        variant: 'v3',
        history: [
          { created: '2024-01-01T00:00:00Z', created_by: 'ADD a' },
          { created: '2024-01-01T00:00:01Z', created_by: 'ENV x=y', empty_layer: true },
          { created: '2024-01-01T00:00:02Z', created_by: 'COPY b', comment: 'last' },
        ],
      },
    },
  ]);
  const inspected = graph.inspect('app:1');
  assert.equal(inspected.Size, 4000);
  assert.equal(inspected.Created, '2024-01-02T03:04:05.678901234Z');
  assert.equal(inspected.Author, 'somebody');
  assert.equal(inspected.Variant, 'v3');
  assert.equal(inspected.Comment, 'last');
  assert.deepEqual(inspected.Config, {
    Env: [],
    Cmd: ['run'],
    Healthcheck: { Test: ['NONE'], Interval: 30_000_000_000 },
  });
  assert.deepEqual(await graph.history('app:1'), [
    { Id: ids[0], Created: 1704067202, CreatedBy: 'COPY b', Tags: ['app:1', 'app:2'], Size: 3000, Comment: 'last' },
    { Id: '<missing>', Created: 1704067201, CreatedBy: 'ENV x=y', Tags: null, Size: 0, Comment: '' },
    { Id: '<missing>', Created: 1704067200, CreatedBy: 'ADD a', Tags: null, Size: 1000, Comment: '' },
  ]);
});

test('lists are filtered and sorted as Docker does it', async (t) => {
  const shared = layer('shared', 1000);
  const { graph, ids } = await graphWith(
    t,
    [
      { layers: [shared], tags: ['old:1', 'example.com/team/old:1'], extra: at('2020-01-01T00:00:00Z') },
      {
        layers: [shared, layer('m')],
        tags: ['middle:1', 'middle:2'],
        config: { Labels: { a: '1', b: '' } },
        extra: at('2021-01-01T00:00:00Z'),
      },
      { layers: [], config: { Labels: { a: '2' } }, extra: at('2022-01-01T00:00:00Z') },
      { layers: [], tags: ['undated:1'], extra: { created: undefined } },
    ],
    { now: () => BigInt(Date.parse('2022-01-01T00:00:10Z')) * 1_000_000n },
  );
  const [old, middle, untagged, undated] = ids;
  const listed = (filters: Record<string, string[]>) =>
    graph.list({ filters: new Map(Object.entries(filters)) }).map(({ Id }) => Id);
  const cases: [Record<string, string[]>, (string | undefined)[]][] = [
    [{}, [untagged, middle, old, undated]],
    [{ dangling: ['true'] }, [untagged]],
    [{ dangling: ['false'] }, [middle, old, undated]],
    [{ label: ['a'] }, [untagged, middle]],
    [{ label: ['a=1', 'b'] }, [middle]],
    [{ 'label!': ['a=1'] }, [untagged, old, undated]],
    [{ before: ['middle:1'] }, [old]],
    [{ since: [old!] }, [untagged, middle]],
    [{ since: ['old:1'], before: [untagged!] }, [middle]],
    [{ until: ['2021-06-01'] }, [middle, old]],
    [{ until: ['10s'] }, [middle, old]],
    [{ reference: ['middle'] }, [middle]],
    [{ reference: ['middle:2', 'nothing'] }, [middle]],
    [{ reference: ['*'] }, [middle, old, undated]],
    [{ reference: ['example.com/*/old'] }, [old]],
    [{ reference: ['*/old'] }, []],
    [{ reference: ['o[a-z]d:?'] }, [old]],
  ];
  for (const [filters, expected] of cases) assert.deepEqual(listed(filters), expected, JSON.stringify(filters));
  const [row] = graph.list({ filters: new Map([['reference', ['middle:2']]]), sharedSize: true });
  assert.deepEqual(row?.RepoTags, ['middle:2'], 'only the references that match are shown');
  assert.equal(row?.SharedSize, 1000);
  assert.throws(() => listed({ colour: ['red'] }), error('invalid', "invalid filter 'colour'"));
  assert.throws(() => listed({ dangling: ['maybe'] }), error('invalid', /invalid filter 'dangling/));
  assert.throws(
    () => listed({ until: ['soon'] }),
    error('invalid', /failed to parse value as time or duration: "soon"/),
  );
  assert.throws(() => listed({ reference: ['[z'] }), error('invalid', /syntax error in pattern/));
  assert.throws(() => listed({ before: ['nope'] }), error('not-found', 'No such image: nope:latest'));
});

test('a start reads no configs: what is remembered of them is what they say', async (t) => {
  const config = {
    Env: ['A=b'],
    Labels: { k: 'v' },
    Healthcheck: { Test: ['CMD', 'x'], Interval: 30_000_000_000 },
    ExposedPorts: { '80/tcp': {} },
  };
  const extra = { author: 'me', variant: 'v2', 'os.version': '1', created: '2020-01-02T03:04:05.123456789+02:00' };
  const images = [
    { layers: [layer('a'), layer('b')], tags: ['app:latest'], config, extra },
    { layers: [], extra: { created: null, config: null } },
  ];
  const opened = await graphWith(t, images);
  const before = opened.ids.map((id) => opened.graph.get(id));
  await opened.reopen();
  const after = opened.ids.map((id) => opened.graph.get(id));
  assert.deepEqual(after, before);
  for (const id of opened.ids) await rm(opened.content.pathOf(id as Digest));
  await opened.reopen();
  assert.deepEqual(
    opened.ids.map((id) => opened.graph.get(id)),
    before,
  );
  await assert.rejects(opened.graph.history('app'), error('not-found', /no blob sha256:/));
});

test('a lost config of which nothing is remembered is reported, left out, and keeps its layers', async (t) => {
  const warnings: string[] = [];
  const opened = await graphWith(t, [{ layers: [layer('a')], tags: ['app:latest'] }], {
    warn: (text) => warnings.push(text),
  });
  const id = opened.graph.get('app').id;
  await rm(opened.content.pathOf(id));
  await opened.db.write([{ sql: 'UPDATE images SET note = NULL', params: [] }]);
  await opened.reopen();
  assert.equal(opened.graph.size, 0);
  assert.match(warnings[0]!, new RegExp(`image ${id} cannot be used: no blob`));
  await opened.graph.sweep();
  assert.ok(await opened.content.has(digestOf(layer('a'))));
});
