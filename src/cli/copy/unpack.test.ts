import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTarHeader, TAR_END, type TarInput, tarPadding } from '#archive/tar-writer.ts';
import type { Receivable } from '#lib/client-socket.ts';
import { packHere } from '#programs/tree-here.ts';
import { unpack } from './unpack.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-unpack-'));
after(() => rm(folder, { recursive: true }));

/** A body whose socket nobody else may read. */
const here = (tar: AsyncIterable<Buffer>): Receivable => ({
  [Symbol.asyncIterator]: () => tar[Symbol.asyncIterator](),
  descriptor: () => undefined,
  lend: () => undefined,
});

const tarOf = (...entries: (TarInput & { body?: string })[]) => here(bytesOf(entries));

async function* bytesOf(entries: (TarInput & { body?: string })[]): AsyncGenerator<Buffer> {
  for (const { body = '', ...entry } of entries) {
    yield Buffer.concat([encodeTarHeader({ ...entry, size: body.length }), Buffer.from(body), tarPadding(body.length)]);
  }
  yield TAR_END;
}

async function emptyFolder(name: string): Promise<string> {
  const path = join(folder, name, 'target');
  await mkdir(path, { recursive: true });
  return path;
}

const same = { rename: (name: string) => name };

test('no name leads out of the folder, and no link', async () => {
  const target = await emptyFolder('out');
  for (const name of ['../evil', 'a/../../evil']) {
    await assert.rejects(unpack(tarOf({ type: 'file', name, body: 'x' }), target, same), /is outside of/);
  }
  await assert.rejects(
    unpack(tarOf({ type: 'link', name: 'l', linkName: '../../x' }), target, same),
    /invalid hardlink/,
  );
  const hostile = tarOf({ type: 'symlink', name: 'l', linkName: '..' }, { type: 'file', name: 'l/evil', body: 'x' });
  await assert.rejects(unpack(hostile, target, same), /is no folder: nothing is written through it/);
  await symlink(join(folder, 'out'), join(target, 'there'));
  await assert.rejects(unpack(tarOf({ type: 'file', name: 'there/evil', body: 'x' }), target, same), /is no folder/);
  assert.deepEqual(await readdir(join(folder, 'out')), ['target']);
});

test('an absolute name counts from the folder; a link that is in the way is replaced, not followed', async () => {
  const target = await emptyFolder('absolute');
  await symlink('/etc/passwd', join(target, 'f'));
  await unpack(tarOf({ type: 'file', name: '/f', body: 'mine', mode: 0o640 }), target, same);
  assert.equal(await readFile(join(target, 'f'), 'utf8'), 'mine');
  assert.equal((await stat(join(target, 'f'))).mode & 0o7777, 0o640);
});

test('pipes, and names that are not UTF-8, survive a round trip', async () => {
  const target = await emptyFolder('special');
  const entries = tarOf({ type: 'fifo', name: 'd/p', mode: 0o600 }, { type: 'file', name: 'd/\xff\xfe', body: 'odd' });
  await unpack(entries, target, same);
  assert.ok((await stat(join(target, 'd/p'))).isFIFO());
  const again = await emptyFolder('again');
  const packed = { folder: target, name: 'd', as: 'd', path: 'd' };
  const options = { client: { descriptor: () => undefined }, signal: new AbortController().signal, sent: () => {} };
  await unpack(here(packHere(packed, options)), again, same);
  const names = await readdir(join(again, 'd'), { encoding: 'latin1' as never });
  assert.deepEqual(names.sort(), ['p', '\xff\xfe']);
});

test('what was packed is there however late it is read', async () => {
  const source = await emptyFolder('late');
  await writeFile(join(source, 'file'), 'content');
  const options = { client: { descriptor: () => undefined }, signal: new AbortController().signal, sent: () => {} };
  const tar = packHere({ folder: source, name: 'file', as: 'file', path: 'file' }, options);
  await sleep(300); // the program has ended long ago
  const target = await emptyFolder('late-target');
  await unpack(here(tar), target, same);
  assert.equal(await readFile(join(target, 'file'), 'utf8'), 'content');
});
