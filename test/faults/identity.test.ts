/** A database and a data-root that do not belong together: the engine shows what it finds and changes nothing. */
import assert from 'node:assert/strict';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { repairStore } from '#test/support/faults.ts';
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

beforeEach(async () => {
  await daemon.stop();
  await putBack();
});
after(async () => {
  try {
    await daemon.stop();
    await putBack();
    await daemon.start();
    await checkStore(daemon);
  } finally {
    await daemon.close();
  }
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

/** A repair makes one store of the two: everything that the files hold is there and works, whatever the rows said. */
async function assertRebuilt(problems: RegExp[]): Promise<void> {
  const found = await daemon.wherry(['system', 'check']);
  assert.equal(found.code, 1, found.stderr);
  for (const problem of problems) assert.match(found.stdout, problem);
  assert.equal(found.stdout.match(/^FOUND/gm)?.length, problems.length, found.stdout);
  const { code, stdout, stderr } = await repairStore(daemon);
  assert.equal(code, 0, `${stdout}${stderr}`);
  for (const problem of problems) assert.match(stdout, problem);
  await checkStore(daemon);
  assert.match((await daemon.wherry(['system', 'check'])).stdout, /nothing is wrong/);
  assert.equal(await daemon.ok(['images', '--format', '{{.Repository}}:{{.Tag}}']), 'busybox:latest');
  const all = await daemon.ok(['ps', '-a', '--format', '{{.Names}} {{.State}}']);
  assert.deepEqual(all.split('\n').sort(), ['ended exited', 'runs running']);
  assert.equal(await daemon.ok(['logs', 'ended']), 'said');
  assert.equal(await daemon.ok(['run', '--rm', '-v', 'data:/data', 'busybox', 'cat', '/data/f']), 'kept');
  await daemon.ok(['volume', 'inspect', 'data']);
  await daemon.ok(['start', '-a', 'ended']);
  await daemon.ok(['tag', 'busybox', 'other']);
  await daemon.ok(['rmi', 'other']);
}

/** What was made into one store is the store of the tests from then on. */
async function keep(): Promise<void> {
  await daemon.stop();
  for (const name of ['wherry.db', 'store-id']) await rm(`${kept}-${name}`);
}

test('no database: the rows are made anew from the files', async () => {
  await rm(database());
  await daemon.start();
  await assertRebuilt([
    /image busybox:latest: the database does not know it/,
    /container ended: the database does not know it/,
    /container runs: the database does not know it/,
    /volume data: the database does not know it/,
    /the store: this engine is read-only: .*wherry.db is new/,
  ]);
  await keep();
});

test('an old database: what it does not know is taken up', async () => {
  await daemon.start();
  const newer = await daemon.ok(['create', '--name', 'newer', '-v', 'newer:/data', 'busybox', 'echo', 'newer']);
  await daemon.stop();
  const mark = await readFile(join(daemon.dataRoot, 'store-id'));
  await putBack();
  await writeBack('store-id', mark);
  await daemon.start();
  const { code, stdout } = await repairStore(daemon);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /REPAIRED: container newer: the database does not know it/);
  assert.match(stdout, /REPAIRED: volume newer: the database does not know it/);
  assert.equal(await daemon.ok(['inspect', '-f', '{{.Id}}', 'newer']), newer);
  assert.equal(await daemon.ok(['start', '-a', 'newer']), 'newer');
  await daemon.ok(['rm', '-v', 'newer']);
  await daemon.ok(['volume', 'rm', 'newer']);
  await checkStore(daemon);
  await keep();
});

test('a newer database, over files that were put back: rows without files are lost by name', async () => {
  await daemon.start();
  const id = await daemon.ok(['create', '--name', 'newer', '-v', 'newer:/data', 'busybox']);
  await daemon.stop();
  const mark = await readFile(`${kept}-store-id`);
  const folders = [`containers/${id}`, `graph/containers/${id}`, 'volumes/newer'];
  for (const folder of folders) await rm(join(daemon.dataRoot, folder), { recursive: true });
  await writeBack('store-id', mark);
  await daemon.start();
  const { code, stdout } = await repairStore(daemon);
  assert.equal(code, 1);
  assert.match(stdout, /LOST: container newer: its writable layer is missing/);
  assert.match(stdout, /LOST: volume newer: its data is missing/);
  await daemon.ok(['rm', 'newer']);
  await daemon.ok(['volume', 'rm', 'newer']);
  await checkStore(daemon);
  await keep();
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
