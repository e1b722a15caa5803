import { join } from 'node:path';
import type { CheckProblem, CheckSummary } from '#api/types/check.ts';
import type { ContainerRecord } from '#container/record.ts';
import { conflict, type EngineError } from '#errors/errors.ts';
import { isIdPrefix } from '#graph/lookup.ts';
import type { Digest } from '#lib/digest.ts';
import { joinStore } from '#metadata/identity.ts';
import type { Engine } from '../engine.ts';
import { checkContainers, checkUnknown, unknownContainers } from './check-containers.ts';
import { namesIn } from './clear-unknown.ts';

export interface CheckOptions {
  /** Put right what can be: make anew what is derived, put aside what is unknown. Nobody's data is deleted. */
  repair: boolean;
}

/** What a check says while it goes on. */
export interface CheckListener {
  problem(problem: CheckProblem): void;
  /** Bytes of layers that have been verified, and that there are. */
  progress(done: number, total: number): void;
}

/**
 * `POST /system/check`: compares the database with itself, with every blob, index, container and volume, and these with
 * the database. On an engine that is read-only because rows and files do not belong together, a repair makes the rows
 * anew from the files and ends that: the engine has to start again then. Throws `conflict` while another check is under
 * way, `cancelled` when `signal` fires.
 */
export async function checkStore(
  engine: Engine,
  { repair }: CheckOptions,
  listener: CheckListener,
  signal: AbortSignal,
): Promise<CheckSummary> {
  if (engine.check.busy) throw conflict('a check is under way already', { hint: 'Wait until it has ended.' });
  return engine.check.run(() => check(engine, repair, listener, signal));
}

async function check(
  engine: Engine,
  repair: boolean,
  listener: CheckListener,
  signal: AbortSignal,
): Promise<CheckSummary> {
  const { readOnly } = engine;
  const counts = { found: 0, repaired: 0, lost: 0 };
  const report = (problem: CheckProblem) => {
    counts[problem.outcome]++;
    listener.problem(problem);
  };
  const common = { repair, distrusted: readOnly !== undefined, signal, report };
  await checkDatabase(engine, report);
  const unknown = await unknownContainers(engine);
  const records = [...engine.containers, ...unknown].flatMap(({ record }) => record ?? []);
  await checkUnknown(engine, common, unknown);
  const names = rememberedNames(records);
  const graph = await engine.graph.check({
    ...common,
    progress: listener.progress,
    namesOf: (imageId) => names.get(imageId) ?? [],
    containerLayers: records.flatMap(({ chain }) => chain),
  });
  const volumes = await engine.volumes.check(common);
  const containers = await checkContainers(engine, common);
  if (readOnly) await trust(engine, readOnly, common);
  const quarantine = (await namesIn(engine.paths.quarantine)).map((name) => join(engine.paths.quarantine, name));
  const quarantined = [...quarantine, ...(await engine.volumes.quarantined())];
  return { ...graph, containers, volumes, ...counts, quarantined, restarts: repair && common.distrusted };
}

/** SQLite's own look at its pages, and at the rows that name others (sqlite.org/pragma.html#pragma_integrity_check). */
async function checkDatabase({ database, paths }: Engine, report: (problem: CheckProblem) => void): Promise<void> {
  const integrity = await database.read<{ integrity_check: string }>('PRAGMA integrity_check');
  const texts = integrity.map((row) => row.integrity_check).filter((text) => text !== 'ok');
  const orphans = await database.read<{ table: string }>('PRAGMA foreign_key_check');
  for (const problem of [...texts, ...orphans.map(({ table }) => `a row of ${table} names one that is not there`)]) {
    report({
      subject: 'the database',
      problem,
      path: paths.database,
      effect: 'rows may be wrong or missing',
      remedy:
        'stop wherryd, move wherry.db and its -wal away, start it, and repair: the rows are made anew from the files',
      outcome: 'lost',
    });
  }
}

/** Rows and files belong together from now on. */
async function trust(
  engine: Engine,
  { message }: EngineError,
  { repair, report }: { repair: boolean; report(problem: CheckProblem): void },
): Promise<void> {
  if (repair) await joinStore(engine.paths.dataRoot, engine.database);
  report({
    subject: 'the store',
    problem: message,
    path: engine.paths.dataRoot,
    effect: 'nothing can be changed',
    remedy: 'rows that are missing are made from the files; then the engine starts again and works',
    outcome: repair ? 'repaired' : 'found',
  });
}

/** The names by which containers were made from images; of two images that had one name the newer container's. */
function rememberedNames(records: readonly ContainerRecord[]): Map<Digest, string[]> {
  const oldestFirst = records.toSorted((a, b) => (a.created < b.created ? -1 : 1));
  const images = new Map(oldestFirst.map(({ config, imageId }) => [config.Image, imageId]));
  const names = new Map<Digest, string[]>();
  for (const [name, imageId] of images) {
    if (!isIdPrefix(imageId, name)) names.set(imageId, [...(names.get(imageId) ?? []), name]);
  }
  return names;
}
