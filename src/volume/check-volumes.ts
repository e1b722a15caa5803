import { readFile, stat } from 'node:fs/promises';
import type { CheckProblem } from '#api/types/check.ts';
import { cancelled, describe, errnoCode } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import type { Database } from '#metadata/database.ts';
import { unfinishedRemovals } from './notes.ts';
import type { VolumeFolders } from './volume-folders.ts';
import { ANONYMOUS_LABEL, parseVolume, serializeVolume, type VolumeRecord } from './volume-record.ts';

export interface VolumeCheck {
  /** Put right what can be. */
  repair: boolean;
  /** The rows may be those of another store: a folder without a row becomes a volume again. */
  distrusted: boolean;
  signal: AbortSignal;
  report(problem: CheckProblem): void;
}

interface Volumes {
  database: Pick<Database, 'read' | 'write'>;
  folders: VolumeFolders;
  records: Map<string, VolumeRecord>;
  /** Does `work` while nobody makes, fills or removes the volume. */
  holding<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Compares the volumes' rows with their folders. Gives how many there are. Data is never changed or deleted. */
export async function checkVolumes(volumes: Volumes, check: VolumeCheck): Promise<number> {
  const names = [...volumes.records.keys()];
  for (const name of names) {
    throwIfCancelled(check.signal);
    await volumes.holding(name, () => checkKnown(volumes, check, name));
  }
  for (const name of await volumes.folders.list()) {
    throwIfCancelled(check.signal);
    if (!volumes.records.has(name)) await volumes.holding(name, () => checkUnknown(volumes, check, name));
  }
  return names.length;
}

async function checkKnown({ folders, records }: Volumes, check: VolumeCheck, name: string): Promise<void> {
  const record = records.get(name);
  if (!record) return;
  if (!(await isFolder(folders.data(name)))) {
    return check.report({
      subject: `volume ${name}`,
      problem: 'its data is missing',
      path: folders.data(name),
      effect: 'what was written to it is gone, and no container that names it can be started',
      remedy: 'put the folder back from a copy, or remove the volume',
      outcome: 'lost',
    });
  }
  const problem = await optionsProblem(folders, record);
  if (!problem) return;
  if (check.repair) await folders.writeOptions(record);
  check.report({
    subject: `volume ${name}`,
    problem: `the copy of its row ${problem}`,
    path: folders.optionsFile(name),
    effect: 'its labels and options would be lost with the database',
    remedy: 'is written anew from the row',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

async function optionsProblem(folders: VolumeFolders, record: VolumeRecord): Promise<string | undefined> {
  try {
    const text = await readFile(folders.optionsFile(record.name), 'utf8');
    return serializeVolume(parseVolume(text)) === serializeVolume(record) ? undefined : 'says something else';
  } catch (error) {
    return errnoCode(error) === 'ENOENT' ? 'is missing' : `cannot be read: ${describe(error)}`;
  }
}

/** The folder of a removal that goes on, or failed, is not unknown; one that has ended meanwhile has left none. */
async function checkUnknown(volumes: Volumes, check: VolumeCheck, name: string): Promise<void> {
  const { database, folders, records } = volumes;
  if (records.has(name) || (await unfinishedRemovals(database)).includes(name)) return;
  if (!(await folders.list()).includes(name)) return;
  const record = check.distrusted ? await readRecord(folders, name) : undefined;
  if (check.repair && record) await addRow(volumes, record);
  else if (check.repair) await folders.putAside(name);
  check.report({
    subject: `volume ${name}`,
    problem: 'the database does not know it',
    path: folders.data(name),
    effect: 'no container can use it',
    remedy: record ? 'becomes a volume again' : 'is put into the quarantine with its data',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

async function addRow({ database, records }: Volumes, record: VolumeRecord): Promise<void> {
  const params = [record.name, serializeVolume(record)];
  await database.write([{ sql: 'INSERT INTO volumes (name, record) VALUES (?, ?)', params }]);
  fault('repair.volume');
  records.set(record.name, record);
}

/** From the copy of its row; where that is lost, from the folder alone. Undefined for what never was a volume. */
async function readRecord(folders: VolumeFolders, name: string): Promise<VolumeRecord | undefined> {
  if (!(await isFolder(folders.data(name)))) return undefined;
  try {
    const record = parseVolume(await readFile(folders.optionsFile(name), 'utf8'));
    if (record.name === name) return record;
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT' && !(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  const { birthtime } = await stat(folders.data(name));
  const labels = /^[0-9a-f]{64}$/.test(name) ? { [ANONYMOUS_LABEL]: '' } : null;
  return { version: 1, name, createdAt: birthtime.toISOString().replace(/\.\d+/, ''), labels, options: null };
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled('the check was cancelled', { cause: signal.reason });
}
