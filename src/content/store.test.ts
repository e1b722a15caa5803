import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { isEngineError } from '#errors/errors.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { BlobWriter } from './blob-writer.ts';
import { type ContentStore, openContentStore } from './store.ts';

const run = promisify(execFile);

async function openStore(t: TestContext): Promise<{ root: string; store: ContentStore }> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-content-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return { root, store: await openContentStore(root) };
}

test('what is written is read back by its digest, and cannot be written to', async (t) => {
  const { store } = await openStore(t);
  const [a, b] = [Buffer.from('{"a":1}'), randomBytes(1000)];
  assert.deepEqual(await store.write(a, b, a), [digestOf(a), digestOf(b), digestOf(a)]);
  assert.deepEqual(await store.read(digestOf(a)), a);
  assert.equal(await store.size(digestOf(b)), 1000);
  assert.equal((await stat(store.pathOf(digestOf(b)))).mode & 0o777, 0o400);
  assert.deepEqual((await Array.fromAsync(store.list())).sort(), [digestOf(a), digestOf(b)].sort());
  await using file = await store.open(digestOf(a));
  assert.deepEqual(await file.readFile(), a);
});

test('a blob that is not there is not found', async (t) => {
  const { store } = await openStore(t);
  const missing = digestOf('nothing');
  assert.equal(await store.has(missing), false);
  for (const ask of [store.read, store.open, store.size] as const) {
    await assert.rejects(ask(missing), (error) => isEngineError(error, 'not-found') && error.message.includes(missing));
  }
  await store.remove([missing]);
});

test('a blob whose bytes have changed is not given out', async (t) => {
  const { store } = await openStore(t);
  const [digest] = await store.write(Buffer.from('right'));
  await chmod(store.pathOf(digest!), 0o600);
  await writeFile(store.pathOf(digest!), 'wrong');
  await assert.rejects(store.read(digest!), (error) => isEngineError(error, 'system') && error.code === 'BLOB_CORRUPT');
});

test('a writer pads the file and keeps the true length; commit moves it, once', async (t) => {
  const { root, store } = await openStore(t);
  const bytes = randomBytes(70_001);
  const folder = await store.beginIngest();
  const writers = [new BlobWriter(join(folder, 'a')), new BlobWriter(join(folder, 'b'))];
  for (const writer of writers)
    for (let at = 0; at < bytes.length; at += 9999) writer.write(bytes.subarray(at, at + 9999));
  const blobs = await Promise.all(writers.map((writer) => writer.finish()));
  assert.deepEqual(
    blobs.map(({ digest, size }) => ({ digest, size })),
    Array(2).fill({ digest: digestOf(bytes), size: 70_001 }),
  );
  await Promise.all(blobs.map((blob) => store.commit([blob])));
  await store.endIngest(folder);
  const stored = await readFile(store.pathOf(digestOf(bytes)));
  assert.equal(stored.length, 70_144);
  assert.deepEqual(stored.subarray(0, 70_001), bytes);
  assert.ok(stored.subarray(70_001).every((byte) => byte === 0));
  assert.deepEqual(await readdir(join(root, 'content', 'ingest')), []);
});

test('zeros take no room, wherever they are', async (t) => {
  const { store } = await openStore(t);
  const [zeros, noise] = [Buffer.alloc(300_000), randomBytes(100_000)];
  for (const parts of [[zeros], [noise, zeros, noise], [zeros, noise, zeros], [noise, zeros]]) {
    const bytes = Buffer.concat(parts);
    const folder = await store.beginIngest();
    const writer = new BlobWriter(join(folder, 'blob'));
    for (let at = 0; at < bytes.length; at += 70_001) writer.write(bytes.subarray(at, at + 70_001));
    const blob = await writer.finish();
    await store.commit([blob]);
    await store.endIngest(folder);
    assert.equal(blob.digest, digestOf(bytes));
    assert.equal(await store.verify(blob.digest), bytes.length);
    const stored = await readFile(store.pathOf(blob.digest));
    assert.deepEqual(stored.subarray(0, bytes.length), bytes);
    const { blocks } = await stat(store.pathOf(blob.digest));
    const noisy = parts.filter((part) => part === noise).length;
    assert.ok(blocks * 512 <= noisy * (noise.length + 2 * 65_536), `${blocks} blocks for ${noisy} pieces of noise`);
  }
});

test('what a program writes is hashed behind it, and its zeros become holes', async (t) => {
  const { store } = await openStore(t);
  const folder = await store.beginIngest();
  const writer = new BlobWriter(join(folder, 'a'));
  const hash = createHash('sha256');
  for (const piece of [
    randomBytes(1000),
    Buffer.alloc(300 << 20),
    randomBytes(77),
    Buffer.alloc(2 << 20),
    Buffer.of(1),
  ]) {
    hash.update(piece);
    writeSync(writer.fd, piece);
    while ((await writer.follow()) > 0);
  }
  assert.equal(writer.head(4).length, 4);
  const blob = await writer.finish();
  assert.equal(blob.digest, `sha256:${hash.digest('hex')}`);
  const { size, blocks } = await stat(blob.path);
  assert.equal(size, Math.ceil(blob.size / 512) * 512);
  assert.ok(blocks * 512 < 1 << 20, `${blocks} blocks`);
  assert.equal(await store.commit([blob]).then(() => store.verify(blob.digest as Digest)), blob.size);
  await store.endIngest(folder);
});

test('an empty blob is a blob', async (t) => {
  const { store } = await openStore(t);
  const folder = await store.beginIngest();
  const blob = await new BlobWriter(join(folder, 'empty')).finish();
  await store.commit([blob]);
  await store.endIngest(folder);
  assert.deepEqual(await store.read(digestOf('')), Buffer.alloc(0));
});

test('the sweep removes what an earlier engine left in the ingest folder, and nothing else', async (t) => {
  const { root, store } = await openStore(t);
  const [digest] = await store.write(Buffer.from('kept'));
  const left = await store.beginIngest();
  await new BlobWriter(join(left, 'half')).abandon();
  const next = await openContentStore(root);
  const own = await next.beginIngest();
  await next.sweepIngests();
  assert.deepEqual(await readdir(join(root, 'content', 'ingest')), [basename(own)]);
  assert.ok(await store.has(digest!));
});

test('a full disk is said to be full, with what to do', async (t) => {
  const mountPoint = await mkdtemp(join(tmpdir(), 'wherry-full-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mountPoint]);
  t.after(async () => {
    await run('umount', [mountPoint]);
    await rm(mountPoint, { recursive: true });
  });
  const writer = new BlobWriter(join(mountPoint, 'blob'));
  assert.throws(
    () => writer.write(Buffer.alloc(1 << 20, 1)),
    (error) => isEngineError(error, 'system') && error.code === 'ENOSPC' && /make room/.test(error.hint ?? ''),
  );
  await writer.abandon();
});
