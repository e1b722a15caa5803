import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import type { Database } from './database.ts';

/**
 * Not agreed: database and folders are not of one piece, so nothing may be swept and the engine starts read-only. A mark
 * that is undefined is not there.
 */
export type Identity = { agreed: true } | { agreed: false; database: Mark | undefined; folders: Mark | undefined };

/** Which store, and how often it was started. */
export interface Mark {
  id: string;
  generation: number;
}

const FILE = 'store-id';
/** What a data-root may hold before its first start. */
const HARMLESS = /^(wherry\.db.*|store-id\.tmp|lost\+found)$/;

/**
 * Compares the mark in `<dataRoot>/store-id` with the one in the database, and moves both one generation on when they
 * agree. So a database that was put back from a backup, or a folder that came from another machine, is noticed.
 *
 * The move survives a crash at any instant: the database announces the next generation, then the file takes it, then
 * the database does; the file may therefore be one announced generation ahead. On a full disk they stay where they are.
 */
export async function checkIdentity(dataRoot: string, db: Database): Promise<Identity> {
  const stored = await readStored(db);
  const file = await readMark(dataRoot);
  if (!stored) {
    if (file || !(await isFresh(dataRoot))) return { agreed: false, database: undefined, folders: file };
    await advance(dataRoot, db, { id: randomUUID(), generation: 0 });
    return { agreed: true };
  }
  const { mark, announced } = stored;
  const agreed =
    file === undefined
      ? mark.generation === 0 && announced === 1
      : file.id === mark.id && (file.generation === mark.generation || file.generation === announced);
  if (!agreed) return { agreed: false, database: mark, folders: file };
  const last = { id: mark.id, generation: Math.max(mark.generation, file?.generation ?? 0) };
  await advance(dataRoot, db, last).catch(unlessFull);
  return { agreed: true };
}

/**
 * Makes database and folders agree, whatever their marks say: the rows have been brought in line with the files. A crash
 * on the way leaves them either as different as they were, or agreed.
 */
export async function joinStore(dataRoot: string, db: Database): Promise<void> {
  const stored = await readStored(db);
  const file = await readMark(dataRoot);
  const id = file?.id ?? stored?.mark.id ?? randomUUID();
  const generations = [stored?.mark.generation, stored?.announced, file?.generation];
  await advance(dataRoot, db, { id, generation: Math.max(0, ...generations.flatMap((known) => known ?? [])) });
}

async function advance(dataRoot: string, db: Database, { id, generation }: Mark): Promise<void> {
  const next = generation + 1;
  await db.write([put('store.id', id), put('store.generation', generation), put('store.announced', next)]);
  fault('store.announced');
  await writeMark(dataRoot, { id, generation: next });
  fault('store.marked');
  await db.write([put('store.generation', next), { sql: "DELETE FROM kv WHERE key = 'store.announced'" }]);
  fault('store.advanced');
}

/** A full disk is no reason not to start: the marks that agree now will do so once more. */
function unlessFull(error: unknown): void {
  const code = errnoCode(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'DATABASE_FULL') throw error;
}

const put = (key: string, value: string | number) => ({
  sql: 'INSERT INTO kv (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  params: [key, String(value)],
});

async function readStored(db: Database): Promise<{ mark: Mark; announced: number | undefined } | undefined> {
  const rows = await db.read<{ key: string; value: string }>("SELECT key, value FROM kv WHERE key LIKE 'store.%'");
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const id = values.get('store.id');
  if (id === undefined) return undefined;
  const announced = values.get('store.announced');
  return {
    mark: { id, generation: Number(values.get('store.generation')) },
    announced: announced === undefined ? undefined : Number(announced),
  };
}

async function readMark(dataRoot: string): Promise<Mark | undefined> {
  try {
    const [id = '', generation = ''] = (await readFile(join(dataRoot, FILE), 'utf8')).trim().split(' ');
    return { id, generation: Number(generation) };
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeMark(dataRoot: string, { id, generation }: Mark): Promise<void> {
  const temporary = join(dataRoot, `${FILE}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${id} ${generation}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(dataRoot, FILE));
  const folder = await open(dataRoot, 'r');
  await folder.sync().finally(() => folder.close());
}

/** No folder of the data-root holds anything yet. */
async function isFresh(dataRoot: string): Promise<boolean> {
  for (const entry of await readdir(dataRoot, { withFileTypes: true })) {
    if (HARMLESS.test(entry.name)) continue;
    if (!entry.isDirectory()) return false;
    const files = await readdir(join(dataRoot, entry.name), { recursive: true, withFileTypes: true });
    if (files.some((file) => !file.isDirectory())) return false;
  }
  return true;
}
