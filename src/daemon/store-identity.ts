import { type EngineError, unavailable } from '#errors/errors.ts';
import type { Database } from '#metadata/database.ts';
import { checkIdentity, type Mark } from '#metadata/identity.ts';

/**
 * Why this engine may look at its data-root but change nothing there: database and files are not of one piece, so what
 * no row names may well be needed. Undefined when they are, which is noted for the next start.
 */
export async function readOnlyReason(dataRoot: string, database: Database): Promise<EngineError | undefined> {
  const identity = await checkIdentity(dataRoot, database);
  if (identity.agreed) return undefined;
  const rows = identity.database ? `is of ${describeMark(identity.database)}` : 'is new';
  const files = identity.folders ? `are of ${describeMark(identity.folders)}` : 'have no store-id';
  return unavailable(`this engine is read-only: ${dataRoot}/wherry.db ${rows}, but the files beside it ${files}`, {
    code: 'STORE_MISMATCH',
    hint:
      'Nothing was swept or changed. Stop wherryd and put back the wherry.db (with its -wal) and the store-id that ' +
      'belong to these files, start it with another --data-root, or have "wherry system check --repair" make the rows ' +
      'anew from the files.',
  });
}

function describeMark({ id, generation }: Mark): string {
  return `store ${id} (start ${generation})`;
}
