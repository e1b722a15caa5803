/** A database and a data-root that do not belong together: the engine shows what it finds and changes nothing. */
import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { checkStore } from '#test/support/store-check.ts';

let daemon: TestDaemon;
let archive: string;
const database = () => join(daemon.dataRoot, 'wherry.db');

before(async () => {
  archive = await busyboxArchive();
  daemon = await startDaemon();
  await daemon.ok([
    'run',
    '--name',
    'ended',
    '-v',
    'data:/data',
    'busybox',
    'sh',
    '-c',
    'echo said; echo kept > /data/f',
  ]);
  await daemon.ok(['run', '-d', '--name', 'runs', 'busybox', 'sleep', '1000']);
  await daemon.stop();
});

/** The rows and the files as they belong together, before each test and after the last. */
let kept: string | undefined;
async function putBack(): Promise<void> {
  kept ??= join(daemon.folder, 'kept');
  for (const name of ['wherry.db', 'store-id']) {
    const own = join(daemon.dataRoot, name);
    const copy = `${kept}-${name}`;
    await copyFile(copy, own).catch(() => copyFile(own, copy));
  }
}

beforeEach(putBack);
after(async () => {
  await putBack();
  await daemon.start();
  await checkStore(daemon);
  await daemon.close();
});

/** Files of the data-root with their contents' lengths, without the database's. */
async function files(): Promise<string[]> {
  const names = await readdir(daemon.dataRoot, { recursive: true });
  const others = names.filter((name) => !/^(wherry\.db|graph\/containers\/[^/]*\/merged\/)/.test(name));
  return others.sort();
}

/** Every verb that would change something is refused with `reason`; what reads works. */
async function assertReadOnly(reason: RegExp): Promise<void> {
  const before = await files();
  await daemon.start();
  const refused = [
    ['load', '-i', archive],
    ['tag', 'busybox', 'other'],
    ['rmi', 'busybox'],
    ['create', 'busybox'],
    ['start', 'ended'],
    ['stop', 'runs'],
    ['kill', 'runs'],
    ['restart', 'runs'],
    ['rm', '-f', 'runs'],
    ['volume', 'create', 'new'],
  ];
  for (const args of refused) {
    const { code, stderr } = await daemon.docker(args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, reason);
    assert.match(stderr, /this engine is read-only.*Nothing was swept or changed/);
  }
  assert.match(await daemon.ok(['info', '-f', '{{json .Warnings}}']), reason);
  await daemon.ok(['ps', '-a']);
  await daemon.ok(['images']);
  await daemon.ok(['volume', 'ls']);
  await daemon.stop();
  assert.deepEqual(await files(), before);
}

test('an old database: what it names is shown, what it does not is left alone', async () => {
  await daemon.start();
  await daemon.ok(['create', '--name', 'newer', '-v', '/anonymous', 'busybox']);
  await daemon.stop();
  const newer = await readFile(database());
  const mark = await readFile(join(daemon.dataRoot, 'store-id'));
  await copyFile(`${kept}-wherry.db`, database());
  await assertReadOnly(
    /wherry\.db is of store [0-9a-f-]{36} \(start \d+\), but the files beside it are of store [0-9a-f-]{36} \(start \d+\)/,
  );
  await daemon.start();
  const all = await daemon.ok(['ps', '-a', '--format', '{{.Names}} {{.State}}']);
  assert.deepEqual(all.split('\n').sort(), ['ended exited', 'runs running']);
  assert.equal(await daemon.ok(['logs', 'ended']), 'said');
  await daemon.stop();
  await Promise.all([writeBack('wherry.db', newer), writeBack('store-id', mark)]);
  await daemon.start();
  await daemon.ok(['rm', '-v', 'newer']);
  await checkStore(daemon);
  await daemon.stop();
  for (const name of ['wherry.db', 'store-id']) await rm(`${kept}-${name}`);
});

test("no database: an empty one does not make the files nobody's", async () => {
  await rm(database());
  await assertReadOnly(/wherry\.db is new, but the files beside it are of store/);
  await assertReadOnly(/wherry\.db is new, but the files beside it are of store/);
});

test('the files of another machine: no store-id, or another one', async () => {
  await rm(join(daemon.dataRoot, 'store-id'));
  await assertReadOnly(/wherry\.db is of store [0-9a-f-]{36} .*, but the files beside it have no store-id/);
  await writeBack('store-id', Buffer.from('11111111-2222-3333-4444-555555555555 3\n'));
  await assertReadOnly(/are of store 11111111-2222-3333-4444-555555555555 \(start 3\)/);
});

test('a database of a later program is refused', async () => {
  const db = new DatabaseSync(database());
  db.exec('PRAGMA user_version = 1000');
  db.close();
  await assert.rejects(daemon.start(), /schema 1000.*a newer wherry has used this data-root/s);
});

async function writeBack(name: string, bytes: Buffer): Promise<void> {
  await writeFile(join(daemon.dataRoot, name), bytes);
}
