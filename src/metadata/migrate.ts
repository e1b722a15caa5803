import type { DatabaseSync } from 'node:sqlite';
import { system } from '#errors/errors.ts';
import { MIGRATIONS } from './migrations.ts';

/**
 * Brings a database to the schema of this program, each migration in its own transaction. The version is SQLite's
 * `user_version`. Throws `system` (code `SCHEMA_TOO_NEW`) when a later program has written it, and changes nothing then.
 */
export function migrate(database: DatabaseSync, migrations: readonly string[] = MIGRATIONS): void {
  const found = Number(database.prepare('PRAGMA user_version').get()!.user_version);
  if (found > migrations.length) {
    throw system(`the database has schema ${found}, this program knows schemas up to ${migrations.length}`, {
      code: 'SCHEMA_TOO_NEW',
      hint: 'a newer wherry has used this data-root: start that version, or give another --data-root',
    });
  }
  for (let version = found; version < migrations.length; version++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(migrations[version]!);
      database.exec(`PRAGMA user_version = ${version + 1}; COMMIT`);
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}
