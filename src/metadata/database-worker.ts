/** The thread that owns the SQLite connection: takes requests in order, commits writes in groups. */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.ts';
import { migrate } from './migrate.ts';
import type { Reply, Request, Row, SqlValue, Statement } from './protocol.ts';
import { reserveRoom, reuseLog } from './reserve.ts';

const port = parentPort!;
const { path, busyTimeoutMs } = workerData as { path: string; busyTimeoutMs: number };

/** Prepared statements kept; the engine has a few dozen different ones. */
const MAX_PREPARED = 200;

const prepared = new Map<string, StatementSync>();
let database: DatabaseSync | undefined;

try {
  database = open(path);
  port.on('message', (first: Request) => serve(database!, takeAll(first)));
  port.postMessage({ id: 0, rows: [] } satisfies Reply);
} catch (error) {
  database?.close();
  port.postMessage({ id: 0, failure: failureOf(error, `cannot open the database ${path}`) } satisfies Reply);
}

function open(file: string): DatabaseSync {
  const opened = new DatabaseSync(file, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  opened.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  migrate(opened);
  reserveRoom(opened);
  return opened;
}

/** `first` and everything else that has arrived meanwhile. */
function takeAll(first: Request): Request[] {
  const requests = [first];
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (!next) return requests;
    requests.push(next.message as Request);
  }
}

/** Runs of writes become one transaction each; a read between them sees all writes that were asked for before it. */
function serve(db: DatabaseSync, requests: Request[]): void {
  const replies: Reply[] = [];
  for (let at = 0; at < requests.length; ) {
    const request = requests[at]!;
    if (request.kind === 'write') {
      let end = at;
      while (requests[end]?.kind === 'write') end++;
      replies.push(...commitGroup(db, requests.slice(at, end) as WriteRequest[]));
      at = end;
      continue;
    }
    if (request.kind === 'close') {
      finish(db, replies, request.id);
      return;
    }
    replies.push(read(db, request.id, request.statement));
    at++;
  }
  port.postMessage(replies);
}

type WriteRequest = Extract<Request, { kind: 'write' }>;

/** On a full disk what is reserved for that is used before anybody is refused. */
function commitGroup(db: DatabaseSync, units: WriteRequest[]): Reply[] {
  const replies = tryCommit(db, units);
  if (!replies.some((reply) => 'failure' in reply && reply.failure.code === 'DATABASE_FULL')) return replies;
  reuseLog(db);
  return units.flatMap((unit, at) => ('failure' in replies[at]! ? tryCommit(db, [unit]) : [replies[at]!]));
}

/** One transaction for all units, a savepoint for each: a unit that fails is undone alone, a failed commit fails all. */
function tryCommit(db: DatabaseSync, units: WriteRequest[]): Reply[] {
  try {
    db.exec('BEGIN IMMEDIATE');
    const replies = units.map((unit) => runUnit(db, unit));
    db.exec('COMMIT');
    return replies;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    const failure = failureOf(error, 'cannot write to the database');
    return units.map(({ id }) => ({ id, failure }));
  }
}

/** Throws only when the whole transaction is gone (a full disk, for example, can undo more than the savepoint). */
function runUnit(db: DatabaseSync, { id, statements }: WriteRequest): Reply {
  db.exec('SAVEPOINT unit');
  try {
    for (const { sql, params = [] } of statements) prepare(db, sql).run(...params);
    db.exec('RELEASE unit');
    return { id, rows: [] };
  } catch (error) {
    if (!db.isTransaction) throw error;
    db.exec('ROLLBACK TO unit; RELEASE unit');
    return { id, failure: failureOf(error, 'cannot write to the database') };
  }
}

function read(db: DatabaseSync, id: number, { sql, params = [] }: Statement): Reply {
  try {
    return {
      id,
      rows: prepare(db, sql)
        .all(...params)
        .map(narrowRow),
    };
  } catch (error) {
    return { id, failure: failureOf(error, 'cannot read from the database') };
  }
}

function prepare(db: DatabaseSync, sql: string): StatementSync {
  let statement = prepared.get(sql);
  if (!statement) {
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    statement = db.prepare(sql);
    statement.setReadBigInts(true);
    prepared.set(sql, statement);
  }
  return statement;
}

function narrowRow(row: Record<string, SqlValue>): Row {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && BigInt.asIntN(54, value) === value) row[name] = Number(value);
  }
  return row;
}

function finish(db: DatabaseSync, replies: Reply[], id: number): void {
  prepared.clear();
  db.close();
  port.postMessage([...replies, { id, rows: [] } satisfies Reply]);
  port.close();
}
