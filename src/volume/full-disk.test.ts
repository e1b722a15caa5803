/** A volume for which the disk has no room: nothing of it stays. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '#metadata/database.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { type MemoryDisk, makeMemoryDisk } from '#test/support/memory-disk.ts';
import { openVolumes, type VolumeStore } from './volumes.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-volumes-'));
let disk: MemoryDisk;
let database: Database;
let server: TestLauncher;
let volumes: VolumeStore;

before(async () => {
  disk = await makeMemoryDisk('full-volumes', 4 << 20, 64);
  server = await startLauncher();
  database = await openDatabase(join(folder, 'test.db'));
  volumes = await openVolumes({ root: join(disk.path, 'volumes'), database, launcher: server.launcher });
  await volumes.restore([]);
});
after(async () => {
  await database?.close();
  await server?.close();
  await disk?.close();
  await rm(folder, { recursive: true });
});

/** Leaves room for so many new files and folders. */
async function leaveInodes(count: number): Promise<void> {
  const { ffree } = await statfs(disk.path);
  for (let left = ffree; left > count; left--) await writeFile(join(disk.path, `filler-${left}`), '');
}

test('at whatever step the disk is full, no folder stays, and the error says why', async () => {
  // A folder, the one for its data, the file beside it.
  for (const room of [2, 1, 0]) {
    await leaveInodes(room);
    await assert.rejects(volumes.create({ Name: `full-${room}` }), /ENOSPC|no space left/i);
    assert.deepEqual(await readdir(join(disk.path, 'volumes')), [], `with room for ${room}`);
    assert.equal((await statfs(disk.path)).ffree, room);
  }
});
