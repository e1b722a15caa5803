import { describe, EngineError } from '#errors/errors.ts';
import type { Failure } from './protocol.ts';

const REBUILD =
  'restore it from a copy, or move it and its -wal away: wherryd then starts read-only, and ' +
  '"wherry system check --repair" makes the rows anew from the files';

/** SQLite's primary result codes that mean something to a user (sqlite.org/rescode.html), as [code, hint]. */
const KNOWN: Readonly<Record<number, readonly [code: string, hint: string]>> = {
  5: ['DATABASE_BUSY', 'another engine uses this data-root: stop it, or give this one another --data-root'],
  8: ['DATABASE_READONLY', 'the data-root must be on a file system that is mounted writable'],
  10: ['DATABASE_IO', 'the disk failed to read or write: look at the kernel log (dmesg)'],
  11: ['DATABASE_CORRUPT', REBUILD],
  13: ['DATABASE_FULL', 'the disk is full: make room in the data-root'],
  26: ['DATABASE_CORRUPT', `this file is no SQLite database: ${REBUILD}`],
};
const CONSTRAINT = 19;

/** What went wrong, for the other thread: a broken constraint is a conflict, everything else a failing system. */
export function failureOf(error: unknown, doing: string): Failure {
  if (error instanceof EngineError) {
    return {
      kind: 'system',
      message: error.message,
      ...(error.code && { code: error.code }),
      ...(error.hint && { hint: error.hint }),
    };
  }
  const primary = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
  const message = `${doing}: ${describe(error)}`;
  if (primary === CONSTRAINT) return { kind: 'conflict', message, code: 'CONSTRAINT' };
  const known = KNOWN[primary];
  return known ? { kind: 'system', message, code: known[0], hint: known[1] } : { kind: 'system', message };
}

export function errorOf({ kind, message, code, hint }: Failure): EngineError {
  return new EngineError(kind, message, { ...(code && { code }), ...(hint && { hint }) });
}
