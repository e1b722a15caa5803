import type { DatabaseSync } from 'node:sqlite';

/** Bytes that stay allocated in the database file and in its log. */
const RESERVE = 512 << 10;

/**
 * Makes room that a full disk cannot take away: free pages in the file and a log that is long enough already, so that
 * states are still saved and things can still be removed, which is how a disk gets room again. A disk that is full now
 * has none to give: then this does nothing.
 */
export function reserveRoom(database: DatabaseSync): void {
  try {
    database.exec(`
      INSERT OR REPLACE INTO kv (key, value) VALUES ('reserve', hex(zeroblob(${RESERVE / 2})));
      DELETE FROM kv WHERE key = 'reserve';
    `);
    reuseLog(database);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

/** Moves what the log holds into the file; the next commit writes over the log's beginning instead of making it longer. */
export function reuseLog(database: DatabaseSync): void {
  database.exec('PRAGMA wal_checkpoint(RESTART)');
}

/** SQLITE_FULL (sqlite.org/rescode.html). */
export function isFull(error: unknown): boolean {
  return (Number((error as { errcode?: number }).errcode ?? 0) & 0xff) === 13;
}
