import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from './database.ts';
import { checkIdentity } from './identity.ts';

async function temporaryRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'h3-identity-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

/** One start of an engine: open, check, end. */
async function start(root: string): Promise<'ok' | 'mismatch'> {
  const db = await openDatabase(join(root, 'wherry.db'));
  const { agreed } = await checkIdentity(root, db).finally(() => db.close());
  return agreed ? 'ok' : 'mismatch';
}

test('a fresh data-root is ok, and so is each further start', async (t) => {
  const root = await temporaryRoot(t);
  await mkdir(join(root, 'content', 'sha256'), { recursive: true });
  for (let n = 0; n < 3; n++) assert.equal(await start(root), 'ok');
});

test('a new database over folders that hold something is a mismatch', async (t) => {
  const root = await temporaryRoot(t);
  await mkdir(join(root, 'volumes', 'v', '_data'), { recursive: true });
  await writeFile(join(root, 'volumes', 'v', 'opts.json'), '{}');
  assert.equal(await start(root), 'mismatch');
  assert.equal(await start(root), 'mismatch', 'and stays one');
});

test('a database put back from a backup is a mismatch', async (t) => {
  const root = await temporaryRoot(t);
  await start(root);
  await copyFile(join(root, 'wherry.db'), join(root, 'wherry.db.backup'));
  await start(root);
  await copyFile(join(root, 'wherry.db.backup'), join(root, 'wherry.db'));
  assert.equal(await start(root), 'mismatch');
});

test('the store-id of another data-root, or none, is a mismatch', async (t) => {
  const [root, other] = [await temporaryRoot(t), await temporaryRoot(t)];
  await start(root);
  await start(other);
  const own = await readFile(join(root, 'store-id'));
  await copyFile(join(other, 'store-id'), join(root, 'store-id'));
  assert.equal(await start(root), 'mismatch');
  await rm(join(root, 'store-id'));
  assert.equal(await start(root), 'mismatch');
  await writeFile(join(root, 'store-id'), own);
  assert.equal(await start(root), 'ok', 'the right one heals it');
});

test('a crash between any two steps of a start is no mismatch', async (t) => {
  for (const stopAfter of [0, 1, 2]) {
    const root = await temporaryRoot(t);
    await start(root);
    const db = await openDatabase(join(root, 'wherry.db'));
    let writes = 0;
    const crashing = {
      ...db,
      write: async (statements: Parameters<typeof db.write>[0]) => {
        if (writes++ === stopAfter) throw new Error('crash');
        await db.write(statements);
      },
    };
    await checkIdentity(root, crashing).catch(() => {});
    await db.close();
    assert.equal(await start(root), 'ok', `after ${stopAfter} writes`);
  }
});

test('a crash in the very first start is no mismatch', async (t) => {
  const root = await temporaryRoot(t);
  const db = await openDatabase(join(root, 'wherry.db'));
  let writes = 0;
  const crashing = {
    ...db,
    write: async (s: Parameters<typeof db.write>[0]) =>
      writes++ === 1 ? Promise.reject(new Error('crash')) : db.write(s),
  };
  await assert.rejects(checkIdentity(root, crashing));
  await db.close();
  await rm(join(root, 'store-id'));
  assert.equal(await start(root), 'ok');
});
