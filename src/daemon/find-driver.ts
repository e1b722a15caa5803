import { DRIVERS, type DriverName } from '#graphdriver/driver.ts';
import { chooseDriver } from '#graphdriver/open-driver.ts';
import type { DriverOptions } from '#graphdriver/parts.ts';
import type { Logger } from '#lib/log.ts';
import type { Database } from '#metadata/database.ts';

export interface FindDriverOptions {
  /** `--storage-driver`. */
  wanted: DriverName | undefined;
  database: Pick<Database, 'read' | 'write'>;
  bootId: string;
  log: Logger;
}

/**
 * The storage driver for this engine. A driver is tried out once in each boot of the machine; where nothing may be
 * written, or there is no room, the wanted or last one is taken as it is. Throws `system` that says which step failed.
 */
export async function findDriver(
  options: DriverOptions,
  { wanted, database, bootId, log }: FindDriverOptions,
): Promise<DriverName> {
  const [row] = await database.read<{ value: string }>("SELECT value FROM kv WHERE key = 'driver-proven'");
  const [boot, name] = row?.value.split(' ') ?? [];
  const last = DRIVERS.find((driver) => driver === name);
  if (options.sweep === false) return wanted ?? last ?? DRIVERS[0];
  const warn = (message: string, fields: object) => log.warn(message, { ...fields });
  const known = boot === bootId;
  const { name: chosen, proven } = await chooseDriver(options, { wanted, last, proven: known, warn });
  if (!proven || (known && chosen === last)) return chosen;
  await database.write([
    {
      sql: "INSERT OR REPLACE INTO kv (key, value) VALUES ('driver-proven', ?)",
      params: [`${bootId} ${chosen}`],
    },
  ]);
  return chosen;
}
