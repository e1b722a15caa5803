/** Volumes as a killed engine leaves them, and removals that disturb each other. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { type Database, openDatabase } from '#metadata/database.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { noteClaimed, noteRemoval } from './notes.ts';
import { openVolumes, type VolumeStore } from './volumes.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-volumes-'));
const root = join(folder, 'volumes');
let database: Database;
let server: TestLauncher;
let volumes: VolumeStore;
let quarantined: string[] = [];

/** What the next engine does. */
async function open(): Promise<void> {
  quarantined = [];
  const onQuarantine = (path: string) => quarantined.push(path);
  volumes = await openVolumes({ root, database, launcher: server.launcher, onQuarantine });
  await volumes.restore([]);
}

before(async () => {
  server = await startLauncher();
  database = await openDatabase(join(folder, 'test.db'));
});
beforeEach(open);
after(async () => {
  await database.close();
  await server.close();
  await rm(folder, { recursive: true });
});

const names = async () => (await readdir(root)).filter((name) => !name.startsWith('.'));

test('volumes that are removed at the same time are all gone', async () => {
  for (let round = 0; round < 10; round++) {
    const made = await Promise.all(Array.from({ length: 20 }, () => volumes.create({})));
    await Promise.all(made.map(({ Name }) => volumes.remove(Name)));
    assert.deepEqual(await names(), []);
    assert.deepEqual(await readdir(join(root, '.removed')), []);
  }
});

test('a folder whose volume did not get to its row goes', async () => {
  await mkdir(join(root, 'empty/_data'), { recursive: true });
  await writeFile(join(root, 'empty/opts.json'), '{}');
  await mkdir(join(root, 'begun'));
  await open();
  assert.deepEqual([await names(), quarantined], [[], []]);
});

test('a copy that was under way goes', async () => {
  await mkdir(join(root, '.copying/volume/file'), { recursive: true });
  await open();
  assert.ok(!(await readdir(root)).includes('.copying'));
});

test('the data of a volume whose removal was decided goes', async () => {
  const { Mountpoint } = await volumes.create({ Name: 'decided' });
  await writeFile(join(Mountpoint, 'file'), 'data');
  await database.write([{ sql: "DELETE FROM volumes WHERE name = 'decided'" }, noteRemoval('decided')]);
  await open();
  assert.deepEqual([await names(), quarantined], [[], []]);
  assert.deepEqual(await database.read('SELECT key FROM kv'), []);
});

test('an anonymous volume goes unless the container that it was made for has its row', async () => {
  const mine = await volumes.create({}, 'container');
  const lost = await volumes.create({}, 'container');
  await volumes.create({ Name: 'named' }, 'container');
  await writeFile(join(lost.Mountpoint, 'file'), 'copied up');
  await database.write([noteClaimed(mine.Name)]);
  await open();
  assert.deepEqual(await names(), [mine.Name, 'named'].sort());
  assert.deepEqual([quarantined, await database.read('SELECT key FROM kv')], [[], []]);
});
