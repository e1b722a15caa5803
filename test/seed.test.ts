/**
 * Every function of the `image` and `graph` folders of early Docker (1.0 to 1.7), by its name, and what this engine has for
 * it, at work on a real graph. src/graph/README.md has the same as a table.
 */
import assert from 'node:assert/strict';
import { access, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, type TestContext, test } from 'node:test';
import { BlobWriter } from '#content/blob-writer.ts';
import { openContentStore } from '#content/store.ts';
import { isEngineError } from '#errors/errors.ts';
import { openGraph } from '#graph/graph.ts';
import { initLayerOf, setUpInitLayer } from '#graphdriver/init-layer.ts';
import { MAX_IMAGE_DEPTH, parseImageConfig } from '#image/config.ts';
import { type Image, makeImage, noteImage, recallImage } from '#image/image.ts';
import { type Digest, digestOf, hexOf } from '#lib/digest.ts';
import { parseReference } from '#lib/reference.ts';
import { assertNothingStored, openGraphAt, openTestGraph, storedThings, type TestGraph } from '#test/support/graph.ts';
import { makeTar } from '#test/support/tar.ts';

const tarOf = (name: string) => makeTar([{ name, body: Buffer.alloc(1500, name) }]);

/** A layer's tar, finished in the ingest folder. */
async function newLayer({ content }: TestGraph, name: string) {
  const folder = await content.beginIngest();
  const writer = new BlobWriter(join(folder, 'layer'));
  writer.write(tarOf(name));
  return { layer: await writer.finish(), done: () => content.endIngest(folder) };
}

async function create(opened: TestGraph, name: string, parent?: Image): Promise<Image> {
  const { layer, done } = await newLayer(opened, name);
  const reference = parseReference(`${name}:latest`);
  try {
    return await opened.graph.create({ parent, layer, config: { Cmd: [name] }, createdBy: name, reference });
  } finally {
    await done();
  }
}

let shared: Awaited<ReturnType<typeof makeGenerations>> & { close(): Promise<void> };
before(async () => {
  const root = await mkdtemp(join(tmpdir(), 'wherry-seed-'));
  const opened = await openGraphAt(root);
  const close = () => opened.close().then(() => rm(root, { recursive: true }));
  shared = { ...(await makeGenerations(opened)), close };
});
after(() => shared.close());

/** The same in a graph of its own, for who changes it. */
async function generations(t: TestContext) {
  return makeGenerations(await openTestGraph(t));
}

/** base <- middle <- top, of one file each. */
async function makeGenerations(opened: TestGraph) {
  const base = await create(opened, 'base');
  const middle = await create(opened, 'middle', base);
  const top = await create(opened, 'top', middle);
  return { opened, graph: opened.graph, base, middle, top };
}

const isNotFound = (error: unknown) => isEngineError(error, 'not-found');

describe('Image', () => {
  test('SetGraph: an image is plain data without a pointer to its graph; a row makes it a member', async (t) => {
    const { opened, top } = await generations(t);
    assert.deepEqual(structuredClone(top), top);
    await opened.reopen();
    assert.deepEqual(opened.graph.get(top.id), top, 'adopted again, by another graph');
  });

  test('SaveSize: the size of a layer is in its row, from the transaction that makes it known', async () => {
    const { opened, base } = shared;
    const rows = await opened.db.read('SELECT content_size, size FROM layers WHERE diff_id = ?', [base.diffIds[0]!]);
    assert.deepEqual(rows, [{ content_size: 1500, size: tarOf('base').length }]);
  });

  test('SaveCheckSum: the checksum is the name under which the tar is stored', async () => {
    const { opened, base } = shared;
    assert.equal(base.diffIds[0], digestOf(tarOf('base')));
    assert.ok(await opened.content.has(base.diffIds[0]!));
  });

  test('GetCheckSum: and reading it is hashing the bytes again, which tells whether they are still those', async (t) => {
    const { opened, base } = await generations(t);
    const [diffId] = base.diffIds as [Digest];
    assert.equal(await opened.content.verify(diffId), tarOf('base').length);
    await writeFile(opened.content.pathOf(diffId), 'something else');
    assert.equal(await opened.content.verify(diffId), undefined);
  });

  test('RawJson: the exact bytes of the config, whose digest is the id', async () => {
    const { graph, top } = shared;
    const bytes = await graph.config('top');
    assert.equal(digestOf(bytes), top.id);
    assert.deepEqual(JSON.parse(bytes.toString()).config, { Cmd: ['top'] });
  });

  test('TarLayer: the very tar that came, not one that is packed again', async () => {
    const { graph, top } = shared;
    const { open, size } = graph.layerTar(top.diffIds.at(-1)!);
    assert.deepEqual(await buffer(open()), tarOf('top'));
    assert.equal(size, tarOf('top').length);
  });

  test('History: the steps by which it came about, with the ids of the images that are here', async () => {
    const { graph, top, middle, base } = shared;
    const history = (await graph.history('top')).map(({ Id, CreatedBy, Size, Tags }) => [Id, CreatedBy, Size, Tags]);
    assert.deepEqual(history, [
      [top.id, 'top', 1500, ['top:latest']],
      [middle.id, 'middle', 1500, ['middle:latest']],
      [base.id, 'base', 1500, ['base:latest']],
    ]);
  });

  test('WalkHistory: the image and its ancestors, the newest first, and no further than is wanted', async () => {
    const { graph, top, middle, base } = shared;
    assert.deepEqual([...graph.walkHistory(top.id)], [top, middle, base]);
    const [first] = graph.walkHistory(middle.id);
    assert.equal(first, middle);
  });

  test('GetParent: the image that it was made from', async () => {
    const { graph, top, middle, base } = shared;
    assert.equal(graph.parentOf(top.id), middle);
    assert.equal(graph.parentOf(base.id), undefined);
  });

  test('root: what is on the disk of an image is its config, and each layer is there once for all images', async () => {
    const { opened, top, base } = shared;
    const { content } = opened;
    assert.equal(content.pathOf(top.id), join(opened.root, 'content/sha256', hexOf(top.id)));
    await access(content.pathOf(top.id));
    assert.equal(top.diffIds[0], base.diffIds[0]);
  });

  test('GetParentsSize: what all layers below its own hold', async () => {
    const { graph, top, middle } = shared;
    assert.equal(graph.contentSize(top.diffIds.slice(0, -1)), 3000);
    assert.equal(middle.size, 3000);
    assert.equal(top.size, 4500);
  });

  test('Depth: how many layers it stands on', async () => {
    const { top, base } = shared;
    assert.deepEqual([base.diffIds.length, top.diffIds.length], [1, 3]);
  });

  test('CheckDepth: 127 layers are an image, 128 are none', () => {
    const config = (depth: number) =>
      Buffer.from(JSON.stringify({ rootfs: { diff_ids: Array.from({ length: depth }, (_, n) => digestOf(`${n}`)) } }));
    assert.equal(parseImageConfig(config(MAX_IMAGE_DEPTH)).diffIds.length, 127);
    assert.throws(() => parseImageConfig(config(MAX_IMAGE_DEPTH + 1)), /max depth exceeded: the image has 128 layers/);
  });
});

test('LoadImage: an image as it was noted, the sizes from the rows of its layers; a lost layer has none', async () => {
  const { top } = shared;
  const sizes = new Map(top.diffIds.map((diffId, at) => [diffId, top.layerSizes[at]!]));
  const layerOf = (diffId: Digest) => ({ diffId, contentSize: sizes.get(diffId) ?? 0 });
  assert.deepEqual(recallImage(top.id, noteImage(top), layerOf), top);
  sizes.delete(top.diffIds[1]!);
  assert.deepEqual(recallImage(top.id, noteImage(top), layerOf).layerSizes, [1500, 0, 1500]);
});

test('StoreImage: layer, size and config are on the disk before the row that makes the image known', async (t) => {
  const opened = await openTestGraph(t);
  const image = await create(opened, 'one');
  const { files, rows } = await storedThings(opened);
  const blobs = [image.id, image.diffIds[0]!].map((digest) => `content/sha256/${hexOf(digest)}`);
  for (const path of blobs) assert.ok(files.includes(path), path);
  assert.deepEqual(rows, { images: 1, refs: 1, layers: 1 });
});

test('NewImgJSON: an image from the bytes of its config', () => {
  const bytes = Buffer.from(
    JSON.stringify({ os: 'linux', rootfs: { diff_ids: [digestOf('a')] }, config: { User: 'u' } }),
  );
  const image = makeImage(digestOf(bytes), bytes, (diffId) => ({ diffId, contentSize: 7 }));
  assert.deepEqual([image.os, image.config?.User, image.size], ['linux', 'u', 7]);
  assert.throws(
    () => makeImage(digestOf('x'), Buffer.from('{"rootfs": 1}'), () => assert.fail()),
    /rootfs is a number/,
  );
});

describe('Graph', () => {
  test('NewGraph: opens on an empty folder, and on one that is full finds what it had', async (t) => {
    const { opened, top } = await generations(t);
    assert.equal(opened.graph.size, 3);
    const { db, content, driver } = opened;
    const another = await openGraph({ db, content, driver });
    t.after(() => another.close());
    assert.deepEqual(another.get('top'), top);
  });

  test('restore: what the database names is there again, with ids, names and parents', async (t) => {
    const { opened, top, middle } = await generations(t);
    await opened.reopen();
    assert.deepEqual(opened.graph.get(hexOf(top.id).slice(0, 12)), top);
    assert.deepEqual(opened.graph.referencesOf(middle.id), ['middle:latest']);
    assert.deepEqual(opened.graph.parentOf(top.id), middle);
    for (const diffId of top.diffIds) assert.ok(await opened.driver.exists(diffId), 'the driver has its layers');
  });

  test('IsNotExist: of all errors those that say so', async () => {
    const { graph } = shared;
    assert.throws(() => graph.get('nobody'), isNotFound);
    assert.ok(!isNotFound(new Error('no')));
  });

  test('Exists: whether a name or an id means an image', async () => {
    const { graph, top } = shared;
    assert.ok(graph.find(top.id));
    assert.equal(graph.find('sha256:00'), undefined);
  });

  test('Create: makes an image of a parent, a layer and a config, and registers it', async (t) => {
    const { opened, graph, base } = await generations(t);
    const { layer, done } = await newLayer(opened, 'more');
    const container = { id: 'c'.repeat(64), config: { Cmd: ['sh'] } };
    const request = { parent: base, layer, config: { Cmd: ['run'] }, comment: 'said', author: 'me', container };
    const image = await graph.create(request);
    await done();
    assert.deepEqual(image.diffIds, [...base.diffIds, digestOf(tarOf('more'))]);
    const { Comment, Author, Config, Parent } = graph.inspect(image.id);
    assert.deepEqual([Comment, Author, Config, Parent], ['said', 'me', { Cmd: ['run'] }, base.id]);
    assert.equal(JSON.parse((await graph.config(image.id)).toString()).container, container.id);
  });

  test('ImageRoot: where what is stored under a digest lies', async () => {
    const { opened, top } = shared;
    assert.deepEqual(await readFile(opened.content.pathOf(top.id)), await opened.graph.config(top.id));
  });

  test('Driver: the one that the graph was opened with makes its layers mountable', async (t) => {
    const { opened, top } = shared;
    await opened.driver.createReadWrite('c', top.diffIds);
    t.after(() => opened.driver.remove('c'));
    const { path } = await opened.driver.get('c');
    assert.deepEqual((await readdir(path)).sort(), ['base', 'middle', 'top']);
    await opened.driver.put('c');
  });

  test('Get: by any beginning of the id that only one image has, by name, by the whole id', async (t) => {
    const { graph, top } = await generations(t);
    const hex = hexOf(top.id);
    for (const name of [hex.slice(0, 12), `sha256:${hex.slice(0, 8)}`, hex, top.id, 'top', 'top:latest']) {
      assert.equal(graph.get(name), top, name);
    }
    assert.throws(() => graph.get('0'.repeat(12)), isNotFound);
    // Two of seventeen ids begin with the same digit.
    const opened = await openTestGraph(t);
    for (let n = 0; n < 17; n++) await opened.graph.create({ config: { User: `${n}` } });
    const firsts = [...opened.graph].map(({ id }) => hexOf(id)[0]!);
    const shared = firsts.find((digit, at) => firsts.indexOf(digit) !== at)!;
    assert.throws(() => opened.graph.get(shared), isNotFound);
  });

  test('TempLayerArchive: a layer for whoever sends it away needs no temporary file', async () => {
    const { opened, top } = shared;
    const before = await storedThings(opened);
    const archive = opened.graph.layerTar(top.diffIds[2]!).open();
    assert.deepEqual(await storedThings(opened), before);
    assert.equal(digestOf(await buffer(archive)), top.diffIds[2]);
    const [saved] = [await opened.graph.save(['top'])];
    const bytes = Buffer.concat(await Array.fromAsync(saved));
    assert.ok(bytes.includes(tarOf('top')), 'save sends the same bytes');
  });

  test('Mktemp: a folder of its own beside the blobs, gone at the next start if nobody ended it', async (t) => {
    const { opened } = await generations(t);
    const [one, two] = [await opened.content.beginIngest(), await opened.content.beginIngest()];
    assert.notEqual(one, two);
    assert.ok(one.startsWith(join(opened.root, 'content/ingest/')));
    await opened.content.endIngest(two);
    const next = await openContentStore(opened.root);
    await next.sweepIngests();
    await assert.rejects(access(one), { code: 'ENOENT' });
  });

  test('newTempFile: a new file in such a folder, which nobody else can have opened', async (t) => {
    const { opened } = await generations(t);
    const folder = await opened.content.beginIngest();
    const path = join(folder, 'layer');
    const writer = new BlobWriter(path);
    assert.throws(() => new BlobWriter(path), { code: 'EEXIST' });
    assert.equal((await stat(path)).mode & 0o777, 0o400);
    await writer.abandon();
    await opened.content.endIngest(folder);
  });

  test('Delete: by a short id; index, row and tar of its own layers go, those of others stay', async (t) => {
    const { opened, graph, top, middle, base } = await generations(t);
    await graph.remove(hexOf(top.id).slice(0, 12));
    assert.equal(graph.find(top.id), undefined);
    assert.equal(await opened.driver.exists(top.diffIds[2]!), false);
    assert.equal(await opened.content.has(top.diffIds[2]!), false);
    assert.ok(await opened.content.has(base.diffIds[0]!));
    await graph.remove(middle.id);
    await graph.remove(base.id);
    await assertNothingStored(opened);
  });

  test('Map: every image, addressable by its id', async () => {
    const { graph, top, middle, base } = shared;
    const map = new Map([...graph].map((image) => [image.id, image]));
    assert.deepEqual(map, new Map([base, middle, top].map((image) => [image.id, image])));
  });

  test('walkAll: every image in turn', async () => {
    const { graph, top, middle, base } = shared;
    const seen: Image[] = [];
    for (const image of graph) seen.push(image);
    assert.deepEqual(new Set(seen), new Set([base, middle, top]));
  });

  test('ByParent: the images that were made from one, and from those', async (t) => {
    const { opened, graph, top, middle, base } = await generations(t);
    const other = await create(opened, 'other', base);
    assert.deepEqual(graph.childrenOf(base.id), new Set([middle.id, other.id]));
    assert.deepEqual(graph.childrenOf(top.id), new Set());
    assert.deepEqual(graph.familyOf('base'), new Set([base, middle, other, top].map(({ id }) => id)));
  });

  test('Heads: the images from which no other was made; a list without names in between shows only them', async (t) => {
    const { opened, graph, top, middle } = await generations(t);
    const other = await create(opened, 'other', middle);
    const heads = [...graph].filter(({ id }) => graph.childrenOf(id).size === 0);
    assert.deepEqual(new Set(heads), new Set([top, other]));
    for (const name of ['base', 'middle']) await graph.remove(name);
    assert.deepEqual(new Set(graph.list().map(({ Id }) => Id)), new Set([top.id, other.id]));
    assert.equal(graph.list({ all: true }).length, 4);
  });
});

describe('Register, step by step', () => {
  test('1 an image that is there already is not made twice', async (t) => {
    const { opened } = await generations(t);
    await opened.reopen({ now: () => 1n });
    const first = await opened.graph.create({ config: { User: 'x' } });
    assert.deepEqual(await opened.graph.create({ config: { User: 'x' } }), first);
    assert.equal(opened.graph.size, 4);
  });

  test('2, 3 what an attempt before it left in its place does not stand in the way', async (t) => {
    const opened = await openTestGraph(t);
    const diffId = digestOf(tarOf('again'));
    const { layer, done } = await newLayer(opened, 'again');
    await opened.content.commit([layer]);
    await opened.driver.applyDiff({ diffId, tarPath: opened.content.pathOf(diffId), size: layer.size });
    await done();
    assert.equal(opened.graph.hasLayer(diffId), false, 'no row names it: the engine died just then');
    const image = await create(opened, 'again');
    assert.deepEqual(image.diffIds, [diffId]);
  });

  test('4 the work is done in a temporary folder, of which nothing stays when it fails', async (t) => {
    const opened = await openTestGraph(t);
    const folder = await opened.content.beginIngest();
    const writer = new BlobWriter(join(folder, 'layer'));
    writer.write(makeTar([{ name: 'a', type: 'link', linkName: 'nowhere' }]));
    const layer = await writer.finish();
    await assert.rejects(opened.graph.create({ layer, config: {} }), /"nowhere" is not in this layer/);
    await opened.content.endIngest(folder);
    await assertNothingStored(opened);
  });

  test('5, 7 the driver makes the layer mountable and says how large its files are', async (t) => {
    const opened = await openTestGraph(t);
    const image = await create(opened, 'one');
    assert.ok(await opened.driver.exists(image.diffIds[0]!));
    assert.deepEqual(image.layerSizes, [1500]);
  });

  test('6 the image becomes a member: its layers are kept, it is its parent’s child', async (t) => {
    const { opened, graph, base, middle } = await generations(t);
    assert.ok(graph.childrenOf(base.id).has(middle.id));
    await graph.collectLayers(base.diffIds);
    assert.ok(await opened.content.has(base.diffIds[0]!), 'an image has it');
  });

  test('8 one rename gives the tar its name', async (t) => {
    const opened = await openTestGraph(t);
    const { layer, done } = await newLayer(opened, 'renamed');
    const { ino } = await stat(layer.path);
    await opened.content.commit([layer]);
    await done();
    assert.equal((await stat(opened.content.pathOf(layer.digest))).ino, ino);
  });

  test('9 from then on any beginning of its id finds it', async (t) => {
    const opened = await openTestGraph(t);
    const image = await create(opened, 'found');
    assert.equal(opened.graph.get(hexOf(image.id)[0]!), image);
  });
});

test('bufferToFile: bytes are written, hashed and synced, and can be read from the start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-seed-'));
  const writer = new BlobWriter(join(folder, 'file'));
  for (const piece of ['some ', 'bytes']) writer.write(Buffer.from(piece));
  const blob = await writer.finish();
  assert.deepEqual([blob.size, blob.digest], [10, digestOf('some bytes')]);
  assert.equal((await readFile(blob.path)).toString('latin1', 0, blob.size), 'some bytes');
  await rm(folder, { recursive: true });
});

test('SetupInitLayer: mount points and files that an image may lack, below its own', async (t) => {
  const { opened, top } = await generations(t);
  const root = join(opened.root, 'graph');
  await setUpInitLayer(root);
  const names = (await readdir(initLayerOf(root), { recursive: true })).sort();
  assert.deepEqual(names, [
    ...['.dockerenv', 'dev', 'dev/console', 'dev/pts', 'dev/shm', 'etc', 'etc/hostname', 'etc/hosts', 'etc/mtab'],
    ...['etc/resolv.conf', 'proc', 'sys'],
  ]);
  await opened.driver.createReadWrite('c', top.diffIds);
  t.after(() => opened.driver.remove('c'));
  const { path } = await opened.driver.get('c');
  assert.deepEqual((await readdir(path)).sort(), ['.dockerenv', 'base', 'dev', 'etc', 'middle', 'proc', 'sys', 'top']);
  assert.deepEqual(await opened.driver.changes('c'), []);
  await opened.driver.put('c');
});

test('isNotEmpty: a folder that has its name already is whole; another attempt at it is dropped', async (t) => {
  const { opened, top } = await generations(t);
  await opened.driver.createReadWrite('twice', top.diffIds);
  t.after(() => opened.driver.remove('twice'));
  await opened.driver.createReadWrite('twice', top.diffIds);
  assert.deepEqual(await opened.driver.listReadWrite(), ['twice']);
});
