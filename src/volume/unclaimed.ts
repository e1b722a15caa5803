import type { Database, Statement } from '#metadata/database.ts';

/**
 * An anonymous volume is made before the container that it is for. Until that has its row, this note says that the
 * volume is nobody's: an engine that finds it at its start removes the volume.
 */
const PREFIX = 'unclaimed-volume/';

/** Goes into the unit that makes the volume's row. */
export function markUnclaimed(name: string, containerId: string): Statement {
  return { sql: 'INSERT INTO kv (key, value) VALUES (?, ?)', params: [`${PREFIX}${name}`, containerId] };
}

/** Goes into the unit that makes the container's row, or that removes the volume's. */
export function claim(name: string): Statement {
  return { sql: 'DELETE FROM kv WHERE key = ?', params: [`${PREFIX}${name}`] };
}

/** Names of the volumes whose container never came to be. */
export async function unclaimedVolumes(db: Pick<Database, 'read'>): Promise<string[]> {
  const rows = await db.read<{ key: string }>('SELECT key FROM kv WHERE key GLOB ?', [`${PREFIX}*`]);
  return rows.map(({ key }) => key.slice(PREFIX.length));
}
