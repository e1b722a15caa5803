/** What the engine's thread and the database's worker say to each other. */

export type SqlValue = string | number | bigint | null | Uint8Array;

/** Integers that a number cannot hold exactly arrive as BigInt, all others as number. */
export type Row = Record<string, SqlValue>;

export interface Statement {
  sql: string;
  params?: SqlValue[];
}

export type Request =
  | { id: number; kind: 'write'; statements: Statement[] }
  | { id: number; kind: 'read'; statement: Statement }
  | { id: number; kind: 'close' };

export type Reply = { id: number; rows: Row[] } | { id: number; failure: Failure };

/** An EngineError in a form that crosses threads. */
export interface Failure {
  kind: 'conflict' | 'system';
  message: string;
  code?: string;
  hint?: string;
}
