import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { type Database, openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'h3-metadata-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function temporaryDatabase(t: TestContext): Promise<{ db: Database; path: string }> {
  const path = join(await temporaryFolder(t), 'wherry.db');
  const db = await openDatabase(path);
  t.after(() => db.close());
  return { db, path };
}

const putKey = (key: string, value: string) => ({
  sql: 'INSERT INTO kv (key, value) VALUES (?, ?)',
  params: [key, value],
});

test('what was written is read back, also after reopening', async (t) => {
  const { db, path } = await temporaryDatabase(t);
  await db.write([putKey('a', '1'), putKey('b', '2')]);
  assert.deepEqual(await db.read('SELECT key, value FROM kv ORDER BY key'), [
    { key: 'a', value: '1' },
    { key: 'b', value: '2' },
  ]);
  await db.close();
  const again = await openDatabase(path);
  t.after(() => again.close());
  assert.equal((await again.read('SELECT * FROM kv')).length, 2);
});

test('a read sees the writes asked for before it, without waiting for them', async (t) => {
  const { db } = await temporaryDatabase(t);
  const write = db.write([putKey('a', '1')]);
  assert.equal((await db.read("SELECT value FROM kv WHERE key = 'a'")).length, 1);
  await write;
});

test('a failing unit leaves nothing of itself and does not disturb those that share its commit', async (t) => {
  const { db } = await temporaryDatabase(t);
  const results = await Promise.allSettled([
    db.write([putKey('a', '1')]),
    db.write([putKey('b', '1'), putKey('a', 'again')]),
    db.write([putKey('c', '1')]),
    db.write([{ sql: 'INSERT INTO no_such_table VALUES (1)' }]),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
  );
  const reason = (results[1] as PromiseRejectedResult).reason;
  assert.ok(isEngineError(reason, 'conflict') && reason.code === 'CONSTRAINT', String(reason));
  assert.ok(isEngineError((results[3] as PromiseRejectedResult).reason, 'system'));
  assert.deepEqual(
    (await db.read('SELECT key FROM kv ORDER BY key')).map(({ key }) => key),
    ['a', 'c'],
  );
});

test('integers keep all their digits, in both directions', async (t) => {
  const { db } = await temporaryDatabase(t);
  const large = 9223372036854771712n;
  const rows = await db.read('SELECT ? AS large, ? AS negative, ? AS small, ? AS edge, ? AS beyond', [
    large,
    -large,
    42,
    Number.MAX_SAFE_INTEGER,
    2n ** 53n,
  ]);
  assert.deepEqual(
    { ...rows[0] },
    { large, negative: -large, small: 42, edge: Number.MAX_SAFE_INTEGER, beyond: 2n ** 53n },
  );
});

test('bytes come back as bytes', async (t) => {
  const { db } = await temporaryDatabase(t);
  const [row] = await db.read('SELECT ? AS bytes', [Uint8Array.of(0, 255, 7)]);
  assert.deepEqual(row!.bytes, Uint8Array.of(0, 255, 7));
});

test('close commits what waits, and later calls are refused', async (t) => {
  const { db, path } = await temporaryDatabase(t);
  const writes = Array.from({ length: 200 }, (_, index) => db.write([putKey(`k${index}`, 'v')]));
  await db.close();
  await Promise.all(writes);
  await assert.rejects(db.write([putKey('late', 'v')]), /closed/);
  const raw = new DatabaseSync(path);
  assert.equal(raw.prepare('SELECT count(*) AS n FROM kv').get()!.n, 200);
  raw.close();
});

test('a schema newer than the program is refused and left alone', async (t) => {
  const path = join(await temporaryFolder(t), 'wherry.db');
  const raw = new DatabaseSync(path);
  raw.exec('PRAGMA user_version = 4711');
  raw.close();
  await assert.rejects(openDatabase(path), (error) => isEngineError(error) && error.code === 'SCHEMA_TOO_NEW');
  const after = new DatabaseSync(path);
  assert.equal(after.prepare('PRAGMA user_version').get()!.user_version, 4711);
  after.close();
});

test('a migration that fails changes nothing', () => {
  const raw = new DatabaseSync(':memory:');
  migrate(raw);
  assert.throws(() => migrate(raw, [...MIGRATIONS, 'CREATE TABLE extra (a); INSERT INTO no_such_table VALUES (1)']));
  assert.equal(raw.prepare('PRAGMA user_version').get()!.user_version, MIGRATIONS.length);
  assert.throws(() => raw.prepare('SELECT * FROM extra'));
  raw.close();
});

test('a file that is no database is refused with what to do', async (t) => {
  const path = join(await temporaryFolder(t), 'wherry.db');
  await writeFile(path, 'this is not a database, whatever its name says'.repeat(100));
  await assert.rejects(openDatabase(path), (error) => isEngineError(error) && error.code === 'DATABASE_CORRUPT');
});

/** A process of its own that writes rows one after another and prints each number once it is durable. */
async function startWriter(t: TestContext, folder: string) {
  const script = join(folder, 'writer.mjs');
  await writeFile(
    script,
    `const { openDatabase } = await import(${JSON.stringify(join(import.meta.dirname, 'database.ts'))});
    const db = await openDatabase(${JSON.stringify(join(folder, 'wherry.db'))});
    for (let n = 0; ; n++) {
      await Promise.all([0, 1, 2].map((i) => db.write(['a', 'b'].map((half) => (
        { sql: 'INSERT INTO kv VALUES (?, ?)', params: [\`\${n}-\${i}-\${half}\`, 'x'.repeat(500)] }
      )))));
      console.log(n);
    }`,
  );
  const writer = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => writer.kill('SIGKILL'));
  return writer;
}

test('kill -9 loses no acknowledged write and leaves no half unit', async (t) => {
  const folder = await temporaryFolder(t);
  let acknowledged = -1;
  const writer = await startWriter(t, folder);
  for await (const line of createInterface(writer.stdout)) {
    acknowledged = Number(line);
    if (acknowledged === 40) writer.kill('SIGKILL');
  }
  assert.ok(acknowledged >= 40, 'the writer was killed while it wrote');
  const db = await openDatabase(join(folder, 'wherry.db'));
  t.after(() => db.close());
  const keys = new Set((await db.read('SELECT key FROM kv')).map(({ key }) => String(key)));
  for (let n = 0; n <= acknowledged; n++) for (const i of [0, 1, 2]) assert.ok(keys.has(`${n}-${i}-a`), `${n}-${i}`);
  for (const key of keys) assert.ok(keys.has(key.replace(/[ab]$/, (half) => (half === 'a' ? 'b' : 'a'))), key);
});

test('a second engine on the same file is refused while the first lives', async (t) => {
  const folder = await temporaryFolder(t);
  const writer = await startWriter(t, folder);
  await Promise.race([once(writer.stdout, 'data'), once(writer, 'exit')]);
  await assert.rejects(
    openDatabase(join(folder, 'wherry.db')),
    (error) => isEngineError(error) && error.code === 'DATABASE_BUSY',
  );
});
