import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isEngineError } from '#errors/errors.ts';
import { digestOf } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openTestGraph, type TestGraph } from '#test/support/graph.ts';
import { makeArchive } from '#test/support/images.ts';
import fc from '#test/support/property.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';

const tar = makeTar([{ name: 'file', body: Buffer.alloc(50_000, 'x') }]);
const diffId = digestOf(tar);

/** An archive in the old form, with one thing changed. */
function archive(change: {
  config?: unknown;
  manifest?: unknown;
  layer?: Buffer;
  layers?: string[];
  more?: TarEntry[];
  tags?: string[];
}): Buffer {
  const config = change.config ?? {
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
  const manifest = change.manifest ?? [
    { Config: 'config.json', RepoTags: change.tags ?? ['bad:latest'], Layers: change.layers ?? ['layer.tar'] },
  ];
  return makeTar([
    { name: 'layer.tar', body: change.layer ?? tar },
    ...(change.more ?? []),
    { name: 'config.json', body: typeof config === 'string' ? config : JSON.stringify(config) },
    { name: 'manifest.json', body: typeof manifest === 'string' ? manifest : JSON.stringify(manifest) },
  ]);
}

function withRootfs(rootfs: unknown, more: object = {}): Buffer {
  return archive({ config: { os: 'linux', rootfs, ...more } });
}

const layout = (index: unknown, more: TarEntry[] = []) =>
  makeTar([...more, { name: 'index.json', body: JSON.stringify(index) }]);
const noTar = Buffer.alloc(40_000, 'no tar');
const chainOf = (count: number) => ({
  config: { os: 'linux', rootfs: { type: 'layers', diff_ids: Array(count).fill(diffId) } },
  layers: Array(count).fill('layer.tar'),
});

const refusals: [string, Buffer, RegExp][] = [
  ['an empty body', Buffer.alloc(0), /invalid archive: it is empty/],
  ['an empty tar', Buffer.alloc(1024), /invalid archive: it is empty/],
  [
    'something else',
    Buffer.from('<html>404</html>'.repeat(100)),
    /invalid archive: tar header at offset 0: .*checksum/,
  ],
  ['random bytes', randomBytes(100_000), /invalid archive: tar header/],
  [
    'a tar of something else',
    makeTar([{ name: 'etc/passwd', body: 'root' }]),
    /neither a manifest.json nor an index.json/,
  ],
  ['a gzip that is cut', gzipSync(archive({})).subarray(0, 200), /gzip data is damaged or cut short/],
  ['a zstd that is cut', zstdCompressSync(archive({})).subarray(0, 100), /zstd data is damaged or cut short/],
  ['an archive cut in a layer', archive({}).subarray(0, 20_000), /tar entry "layer.tar".* the archive ends/],
  ['an archive cut after a member', archive({}).subarray(0, 52_224), /neither a manifest.json nor an index.json/],
  ['a manifest that is no JSON', archive({ manifest: '[{' }), /manifest.json is not JSON/],
  ['a manifest that is no list', archive({ manifest: {} }), /manifest.json is an object, not a list/],
  ['a manifest of nothing', archive({ manifest: [] }), /manifest.json names no image/],
  ['a manifest of numbers', archive({ manifest: [7] }), /manifest.json\[0\] is a number, not an object/],
  [
    'layers that are no texts',
    archive({ manifest: [{ Config: 'config.json', Layers: [7] }] }),
    /Layers\[0\] is a number/,
  ],
  [
    'a missing config',
    archive({ manifest: [{ Config: 'x.json', Layers: [] }] }),
    /names the config "x.json", which is not there/,
  ],
  ['a missing layer', archive({ layers: ['gone.tar'] }), /Layers\[0\] is "gone.tar", which is not there/],
  [
    'links in a circle',
    archive({ layers: ['a'], more: [{ name: 'a', type: 'symlink', linkName: 'a' }] }),
    /links at "a" lead in a circle/,
  ],
  [
    'a link out of the archive',
    archive({ layers: ['a'], more: [{ name: 'a', type: 'symlink', linkName: '/etc/passwd' }] }),
    /"a", which is not there/,
  ],
  ['a config that is no JSON', archive({ config: 'null' }), /image config is null, not an object/],
  ['a config without rootfs', archive({ config: {} }), /image config: rootfs is missing/],
  [
    'a diffID that is none',
    withRootfs({ diff_ids: ['../../etc'] }),
    /diff_ids\[0\]: '..\/..\/etc' is not a sha256 digest/,
  ],
  ['too few diffIDs', withRootfs({ diff_ids: [] }), /layers length mismatch: expected 1, got 0/],
  ['too many diffIDs', withRootfs({ diff_ids: [diffId, diffId] }), /layers length mismatch: expected 1, got 2/],
  [
    'a wrong diffID',
    withRootfs({ diff_ids: [digestOf('x')] }),
    /layer "layer.tar" of image sha256:\w+ has the diffID sha256:\w+, its config says/,
  ],
  ['a layer with a flipped bit', archive({ layer: Buffer.from(tar).fill(1, 600, 601) }), /has the diffID/],
  ['a small layer with a flipped bit', archive({ layer: Buffer.alloc(1024, 1) }), /has the diffID/],
  [
    'a layer that is no tar',
    archive({ layer: noTar, config: { rootfs: { diff_ids: [digestOf(noTar)] } } }),
    /layer sha256:\w+: tar header at offset 0/,
  ],
  ['another system', withRootfs({ diff_ids: [diffId] }, { os: 'windows' }), /cannot load windows image on linux/],
  [
    'wrong types in the config',
    withRootfs({ diff_ids: [diffId] }, { config: { Cmd: 'sh' } }),
    /image config: config.Cmd is a text, not a list/,
  ],
  ['128 layers', archive(chainOf(128)), /max depth exceeded/],
  ['a malformed tag', archive({ tags: ['UPPER:latest'] }), /must be lowercase/],
  ['a name without a tag', archive({ tags: ['name'] }), /invalid tag "name"/],
  ['a digest for a tag', archive({ tags: [`name@${diffId}`] }), /invalid tag/],
  [
    'a sparse member',
    archive({
      more: [
        {
          name: 's',
          body: 'x',
          pax: { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1', 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '1' },
        },
      ],
    }),
    /"s" is stored as a sparse file/,
  ],
  ['an index of nothing', layout({ schemaVersion: 2, manifests: [] }), /index.json leads to no image/],
  ['an index of schema 1', layout({ schemaVersion: 1 }), /schema version 1 is not supported/],
  [
    'an index without its manifest',
    layout({ schemaVersion: 2, manifests: [{ digest: diffId, size: 1 }] }),
    /names the manifest sha256:\w+, which is not there/,
  ],
  [
    'a manifest with another digest',
    layout({ schemaVersion: 2, manifests: [{ digest: diffId, size: 1 }] }, [
      { name: `blobs/sha256/${diffId.slice(7)}`, body: '{}' },
    ]),
    /has the digest/,
  ],
  [
    'an index that names itself',
    layout({ schemaVersion: 2, manifests: [{ digest: 'sha256:x', size: 1 }] }),
    /is not a sha256 digest/,
  ],
];

test('bad archives are refused, each with its reason, and leave nothing', async (t) => {
  const graph = await openTestGraph(t);
  for (const [name, bytes, message] of refusals) {
    await t.test(name, async () => {
      await assert.rejects(
        load(graph, bytes),
        (error) => isEngineError(error, 'invalid') && message.test(error.message),
      );
      await assertNothingStored(graph);
    });
  }
});

test('a bad image among good ones keeps all of them out', async (t) => {
  const graph = await openTestGraph(t);
  const good = { Config: 'config.json', RepoTags: ['good:latest'], Layers: ['layer.tar'] };
  await assert.rejects(load(graph, archive({ manifest: [good, { ...good, Layers: ['gone'] }] })), /gone/);
  await assertNothingStored(graph);
  await load(graph, archive({ manifest: [good] }));
  await assertWhole(graph);
});

test('a refused archive does not disturb images that share its layers', async (t) => {
  const graph = await openTestGraph(t);
  await load(graph, archive({ tags: ['good:latest'] }));
  const bad = archive({
    config: { rootfs: { diff_ids: [diffId, digestOf('x')] } },
    layers: ['layer.tar', 'layer.tar'],
  });
  await assert.rejects(load(graph, bad));
  await assertWhole(graph);
  assert.equal(graph.graph.size, 1);
});

test('an archive cut anywhere either is refused and leaves nothing, or is whole', async (t) => {
  const graph = await openTestGraph(t);
  const bytes = await archiveBytes(t);
  const cut = fc.integer({ min: 0, max: bytes.length - 1 });
  await fc.assert(
    fc.asyncProperty(cut, (length) => loadsOrRefuses(graph, bytes.subarray(0, length))),
    { numRuns: 60 },
  );
});

test('an archive with changed bytes either is refused and leaves nothing, or is whole', async (t) => {
  const graph = await openTestGraph(t);
  const bytes = await archiveBytes(t);
  const flip = fc.tuple(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 4 }), async (flips) => {
      const changed = Buffer.from(bytes);
      for (const [at, mask] of flips) changed[at]! ^= mask;
      await loadsOrRefuses(graph, changed);
    }),
    { numRuns: 120 },
  );
});

async function loadsOrRefuses(graph: TestGraph, bytes: Buffer): Promise<void> {
  try {
    await load(graph, bytes);
    await assertWhole(graph);
    for (const { Id } of graph.graph.list()) await graph.graph.remove(Id, { force: true });
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
  }
  await assertNothingStored(graph);
}

async function archiveBytes(t: TestContext): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-refusals-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'image.tar');
  const small = makeTar([{ name: 'small', body: 'layer' }]);
  await makeArchive(path, [
    { layers: [makeTar([{ name: 'f', body: Buffer.alloc(20_000) }]), small], tags: ['x:latest'] },
  ]);
  return readFile(path);
}

function load(graph: TestGraph, bytes: Buffer): Promise<void> {
  return graph.graph.load(Readable.from([bytes]));
}
