import { Worker } from 'node:worker_threads';
import { describe, system } from '#errors/errors.ts';
import { errorOf } from './failure.ts';
import type { Reply, Request, Row, SqlValue, Statement } from './protocol.ts';

export type { Row, SqlValue, Statement } from './protocol.ts';

/** The truth for everything that can change. One worker thread owns the SQLite file; this is the engine's side of it. */
export interface Database {
  /**
   * Runs `statements` as one atomic unit and resolves when they are durable. Units that wait together share one commit.
   * Rejects, with nothing of the unit done: `conflict` (code `CONSTRAINT`) for a broken UNIQUE, PRIMARY KEY or REFERENCES
   * rule, else `system` (codes `DATABASE_FULL`, `DATABASE_IO`, ...).
   */
  write(statements: Statement[]): Promise<void>;
  /** The rows of one query, which sees every write that was asked for before it. */
  read<R extends Row = Row>(sql: string, params?: SqlValue[]): Promise<R[]>;
  /** Commits what waits, closes the file and ends the thread. Later calls are refused. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** How long to wait for an engine that is just ending to let go of the file; 5000 ms by default. */
  busyTimeoutMs?: number;
  /** Called once when the thread ends by itself: nothing can be written any more and the engine should restart. */
  onFailure?: (error: Error) => void;
}

const BUSY_TIMEOUT_MS = 5000;

interface Waiter {
  resolve: (rows: Row[]) => void;
  reject: (error: Error) => void;
}

/**
 * Opens the database file at `path` (made when absent), exclusively for this process, and migrates it.
 * Rejects with `system`: `SCHEMA_TOO_NEW`, `DATABASE_BUSY` (another engine has it), `DATABASE_CORRUPT`, ...
 */
export async function openDatabase(path: string, options: DatabaseOptions = {}): Promise<Database> {
  const worker = new Worker(new URL('./database-worker.ts', import.meta.url), {
    workerData: { path, busyTimeoutMs: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS },
    execArgv: [],
  });
  const waiting = new Map<number, Waiter>();
  let lastId = 0;
  let ended: Error | undefined;

  const settle = (reply: Reply) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('failure' in reply) waiter?.reject(errorOf(reply.failure));
    else waiter?.resolve(reply.rows);
  };
  const end = (error: Error) => {
    if (ended) return;
    ended = error;
    for (const waiter of waiting.values()) waiter.reject(error);
    waiting.clear();
  };
  const fail = (cause: unknown) => {
    if (ended) return;
    const error = system(`the database thread ended: ${describe(cause)}`, { cause });
    end(error);
    options.onFailure?.(error);
  };
  const ask = (request: DistributiveOmit<Request, 'id'>): Promise<Row[]> => {
    if (ended) return Promise.reject(ended);
    const id = ++lastId;
    const answer = expect(id);
    worker.postMessage({ ...request, id });
    return answer;
  };
  const expect = (id: number) => new Promise<Row[]>((resolve, reject) => waiting.set(id, { resolve, reject }));

  const opened = expect(0);
  worker.on('message', (replies: Reply | Reply[]) => [replies].flat().forEach(settle));
  worker.on('error', fail);
  worker.on('exit', (code) => fail(`exit ${code}`));
  await opened.catch(async (error) => {
    end(error);
    await worker.terminate();
    throw error;
  });
  return {
    write: async (statements) => void (await ask({ kind: 'write', statements })),
    read: async <R extends Row>(sql: string, params: SqlValue[] = []) =>
      (await ask({ kind: 'read', statement: { sql, params } })) as R[],
    close: async () => {
      if (ended) return;
      const closed = ask({ kind: 'close' });
      ended = system('the database is closed');
      await closed;
      await worker.terminate();
    },
  };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
