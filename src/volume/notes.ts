import type { Database, Statement } from '#metadata/database.ts';

/**
 * What an engine that is killed leaves to its successor to do about volumes. Notes are written in one unit with the row
 * that they are about.
 */

/** An anonymous volume whose container has no row yet: without it the volume is nobody's and goes. */
const UNCLAIMED = 'unclaimed-volume/';
/** A volume that has no row any more and whose folder is to be deleted. */
const REMOVING = 'removing-volume/';

const add = (key: string): Statement => ({
  sql: "INSERT OR REPLACE INTO kv (key, value) VALUES (?, '')",
  params: [key],
});
const drop = (key: string): Statement => ({ sql: 'DELETE FROM kv WHERE key = ?', params: [key] });

export const noteUnclaimed = (name: string) => add(`${UNCLAIMED}${name}`);
/** The container has its row, or the volume goes. */
export const noteClaimed = (name: string) => drop(`${UNCLAIMED}${name}`);
export const noteRemoval = (name: string) => add(`${REMOVING}${name}`);
export const noteRemoved = (name: string) => drop(`${REMOVING}${name}`);

export const unclaimedVolumes = (db: Pick<Database, 'read'>) => namesUnder(db, UNCLAIMED);
export const unfinishedRemovals = (db: Pick<Database, 'read'>) => namesUnder(db, REMOVING);

async function namesUnder(db: Pick<Database, 'read'>, prefix: string): Promise<string[]> {
  const rows = await db.read<{ key: string }>('SELECT key FROM kv WHERE key GLOB ?', [`${prefix}*`]);
  return rows.map(({ key }) => key.slice(prefix.length));
}
