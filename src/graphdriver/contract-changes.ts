import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTar } from '#archive/tar-stream.ts';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { isEngineError } from '#errors/errors.ts';
import { run } from '#programs/run.ts';
import { type ContractEntry, treeFacts } from './contract-tree.ts';
import type { GraphDriver } from './driver.ts';

/** What the suite lends to its part about changes. */
export interface ChangesContext {
  driver(): GraphDriver;
  /** A folder for scratch files. */
  home(): string;
  layer(entries: readonly ContractEntry[]): Promise<string>;
  /** Stores and applies a tar as it is; gives its diffID. */
  apply(tar: Buffer): Promise<string>;
  container(...chain: string[]): Promise<string>;
}

const file = (name: string, body: string): ContractEntry => ({ type: 'file', name, body, mtime: 1_700_000_000 });
const folder = (name: string): ContractEntry => ({ type: 'directory', name });

const bottom = [
  folder('etc'),
  file('etc/kept', 'kept'),
  file('etc/changed', 'before'),
  file('etc/deleted', 'x'),
  file('etc/touched', 'x'),
  file('etc/chmodded', 'x'),
  file('etc/opened', 'x'),
  folder('gone'),
  folder('gone/deep'),
  file('gone/deep/file', 'x'),
  folder('renewed'),
  file('renewed/same', 'x'),
  file('renewed/lost', 'x'),
  folder('renewed/lost-folder'),
  file('renewed/lost-folder/file', 'x'),
  folder('becomes-file'),
  file('becomes-file/x', 'x'),
  file('becomes-folder', 'x'),
  folder('only-read'),
  file('hidden', 'x'),
];
const top = [file('.wh.hidden', ''), file('etc/top', 'top')];

/** Does to a mounted container one of everything. */
async function change(root: string): Promise<void> {
  const at = (name: string) => join(root, name);
  await writeFile(at('etc/changed'), 'after!');
  await rm(at('etc/deleted'));
  await utimes(at('etc/touched'), 1, 1_600_000_000);
  await chmod(at('etc/chmodded'), 0o4711);
  await (await open(at('etc/opened'), 'r+')).close();
  await rename(at('etc/top'), at('etc/moved'));
  await rm(at('gone'), { recursive: true });
  await rm(at('renewed'), { recursive: true });
  await mkdir(at('renewed'));
  await writeFile(at('renewed/same'), 'new');
  await rm(at('becomes-file'), { recursive: true });
  await writeFile(at('becomes-file'), 'x');
  await rm(at('becomes-folder'));
  await mkdir(at('becomes-folder'));
  await mkdir(at('new/deep'), { recursive: true });
  await writeFile(at('new/deep/file'), 'x'.repeat(300_000));
  await link(at('new/deep/file'), at('new/name'));
  await symlink('/etc/kept', at('new/link'));
  await chown(at('new/deep'), 1000, 3_000_000);
  await utimes(at('new/deep'), 1, -1_000.5);
  await run('mknod', [at('new/null'), 'c', '1', '3']);
  await run('mkfifo', [at('new/fifo')]);
  await writeFile(Buffer.from(`${at('new')}/not-utf-8-\xff`, 'latin1'), '');
  await writeFile(at(`new/${'long-'.repeat(40)}`), '');
}

const expected = [
  [0, '/becomes-file'],
  [0, '/becomes-folder'],
  [0, '/etc'],
  [0, '/etc/changed'],
  [0, '/etc/chmodded'],
  [2, '/etc/deleted'],
  [1, '/etc/moved'],
  [2, '/etc/top'],
  [0, '/etc/touched'],
  [2, '/gone'],
  [1, '/new'],
  [1, '/new/deep'],
  [1, '/new/deep/file'],
  [1, '/new/fifo'],
  [1, '/new/link'],
  [1, `/new/${'long-'.repeat(40)}`],
  [1, '/new/name'],
  [1, '/new/not-utf-8-\ufffd'],
  [1, '/new/null'],
  [0, '/renewed'],
  [2, '/renewed/lost'],
  [2, '/renewed/lost-folder'],
  [0, '/renewed/same'],
];

/** Registers the tests of what a container changed: `changes`, `diff`, `diffSize`. */
export function changesContract({ driver, home, layer, apply, container }: ChangesContext): void {
  /** What `diff` writes, into a file. */
  async function diffOf(id: string): Promise<Buffer> {
    const path = join(home(), 'diff.tar');
    const file = await open(path, 'w');
    await driver()
      .diff(id, file.fd)
      .finally(() => file.close());
    return readFile(path);
  }

  test('a container that has changed nothing says so', async () => {
    const id = await container(await layer(bottom));
    const nothing = async () => {
      assert.deepEqual(await driver().changes(id), []);
      assert.equal(Buffer.compare(await diffOf(id), TAR_END), 0);
      assert.equal(await driver().diffSize(id), 0);
    };
    await nothing();
    const { path } = await driver().get(id);
    await readdir(join(path, 'only-read'));
    await nothing();
  });

  test('changes are told as docker tells them, mounted or not', async () => {
    const id = await container(await layer(bottom), await layer(top));
    const { path } = await driver().get(id);
    await change(path);
    const told = async () => (await driver().changes(id)).map(({ Kind, Path }) => [Kind, Path]);
    assert.deepEqual(await told(), expected);
    await driver().put(id);
    assert.deepEqual(await told(), expected);
  });

  test('a layer made of the changes gives the same tree to others', async () => {
    const image = [await layer(bottom), await layer(top)];
    const id = await container(...image);
    const { path } = await driver().get(id);
    await change(path);
    const tar = await diffOf(id);
    assert.equal(Buffer.compare(await diffOf(id), tar), 0, 'the same bytes again');
    const other = await container(...image, await apply(tar));
    const [mine, theirs] = [await treeFacts(path), await treeFacts((await driver().get(other)).path)];
    delete mine['/'];
    delete theirs['/'];
    assert.deepEqual(theirs, mine);
    assert.deepEqual(await driver().changes(other), []);
  });

  test('the tar of the changes is as the tar writer would have written it, sorted', async () => {
    const id = await container(await layer(bottom));
    const { path } = await driver().get(id);
    await rm(join(path, 'gone'), { recursive: true });
    await mkdir(join(path, 'new/deep'), { recursive: true });
    await writeFile(join(path, 'new/deep/file'), 'x'.repeat(100_000));
    await writeFile(join(path, 'new.file'), 'x');
    await chown(join(path, 'new/deep/file'), 3_000_000, 7);
    const tar = await diffOf(id);
    const again: Buffer[] = [];
    const names: string[] = [];
    for await (const { entry, body } of readTar(
      (async function* () {
        yield tar;
      })(),
    )) {
      // biome-ignore format: one line
      const content: Buffer[] = [];
      for await (const chunk of body) content.push(Buffer.from(chunk));
      again.push(encodeTarHeader(entry), ...content, tarPadding(entry.size));
      names.push(entry.name);
    }
    assert.equal(Buffer.compare(Buffer.concat([...again, TAR_END]), tar), 0);
    assert.deepEqual(names, ['.wh.gone', 'new/', 'new/deep/', 'new/deep/file', 'new.file']);
  });

  test('sockets are left out; the size counts a file with two names once', async () => {
    const id = await container(await layer(bottom));
    const { path } = await driver().get(id);
    const server = createServer().listen(join(path, 'socket'));
    await writeFile(join(path, 'file'), 'x'.repeat(1000));
    await link(join(path, 'file'), join(path, 'name'));
    const tar = await diffOf(id);
    server.close();
    assert.equal(tar.includes('socket'), false);
    assert.equal(await driver().diffSize(id), 1000);
  });

  test('of an unknown container nothing is told', async () => {
    const missing = (error: unknown) => isEngineError(error, 'not-found');
    await assert.rejects(driver().changes('unknown'), missing);
    await assert.rejects(driver().diff('unknown', 1), missing);
    await assert.rejects(driver().diffSize('unknown'), missing);
  });
}
