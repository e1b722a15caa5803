import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckProblem } from '#api/types/check.ts';
import { type ContainerRecord, parseRecord, serializeRecord } from '#container/record.ts';
import { describe, errnoCode, isEngineError } from '#errors/errors.ts';
import type { Digest } from '#lib/digest.ts';
import { writeFileDurably } from '#lib/durable-file.ts';
import { moveToQuarantine } from '#lib/quarantine.ts';
import { fault } from '#lib/write-steps.ts';
import type { Engine } from '../engine.ts';
import { namesIn } from './clear-unknown.ts';

export interface ContainerCheck {
  /** Put right what can be. */
  repair: boolean;
  /** The rows may be those of another store: a folder without a row becomes a container again. */
  distrusted: boolean;
  report(problem: CheckProblem): void;
}

/** Files of a container that no row names; the record is absent when they are not enough for one. */
export interface UnknownContainer {
  id: string;
  record?: ContainerRecord;
  /** Why there is no record. */
  reason?: string;
}

/** What has the files of a container but no row; what is being made or removed just now is not among them. */
export async function unknownContainers(engine: Engine): Promise<UnknownContainer[]> {
  const layers = await engine.driver.listReadWrite();
  const ids = new Set([...(await namesIn(engine.paths.containers)), ...layers]);
  const aside = new Set(await namesIn(engine.paths.quarantine));
  const leaving = await engine.containers.unfinishedRemovals();
  const unknown = [...ids].filter((id) => !engine.containers.knows(id) && !leaving.has(id));
  const found: UnknownContainer[] = [];
  for (const id of unknown) {
    if (!aside.has(`container-${id}`) && (await isThere(engine, id)))
      found.push(await describeUnknown(engine, id, layers));
  }
  return found;
}

/** Makes unknown containers known again, or puts them aside. */
export async function checkUnknown(
  engine: Engine,
  check: ContainerCheck,
  unknown: readonly UnknownContainer[],
): Promise<void> {
  for (const container of unknown) await takeUp(engine, check, container);
}

/** Compares the containers' rows with their files, layers and volumes. Gives how many there are. */
export async function checkContainers(engine: Engine, check: ContainerCheck): Promise<number> {
  const layers = new Set(await engine.driver.listReadWrite());
  for (const { id, record } of engine.containers) await checkKnown(engine, check, id, record, layers.has(id));
  return engine.containers.size;
}

async function describeUnknown(engine: Engine, id: string, layers: readonly string[]): Promise<UnknownContainer> {
  if (!layers.includes(id)) return { id, reason: 'it has no writable layer' };
  try {
    const record = await readConfig(engine, id);
    return { id, record };
  } catch (error) {
    return { id, reason: `its config.json cannot be used: ${describe(error)}` };
  }
}

async function readConfig(engine: Engine, id: string): Promise<ContainerRecord> {
  const record = parseRecord(await readFile(engine.paths.container(id).config, 'utf8'));
  if (record.id !== id) throw new TypeError(`it is of container ${record.id}`);
  return record;
}

async function takeUp(engine: Engine, check: ContainerCheck, container: UnknownContainer): Promise<void> {
  const { id, record, reason } = container;
  const { folder } = engine.paths.container(id);
  const revived = check.distrusted && record;
  if (check.repair && revived) await addRow(engine, record);
  else if (check.repair) await moveToQuarantine(engine.paths.dataRoot, folder, `container-${id}`);
  check.report({
    subject: `container ${record?.name ?? id}`,
    problem: `the database does not know it${reason ? `, and ${reason}` : ''}`,
    path: folder,
    effect: 'it is not shown and cannot be started',
    remedy: revived
      ? `becomes a container again${check.repair && record.name !== revived.name ? ` named ${record.name}` : ''}`
      : 'its files are put into the quarantine; its writable layer stays where it is',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

/** Under its own name where that is free. */
async function addRow(engine: Engine, record: ContainerRecord): Promise<void> {
  const { id } = record;
  try {
    record.name = engine.containers.reserveName(id, record.name);
  } catch (error) {
    if (!isEngineError(error, 'conflict')) throw error;
    record.name = engine.containers.reserveName(id, `${record.name}-${id.slice(0, 12)}`);
  }
  await engine.containers.add(record);
  fault('repair.container');
}

async function checkKnown(
  engine: Engine,
  check: ContainerCheck,
  id: string,
  record: ContainerRecord,
  hasLayer: boolean,
): Promise<void> {
  const subject = `container ${record.name}`;
  const paths = engine.paths.container(id);
  const path = layerPath(engine, record);
  if (!hasLayer) {
    if (!engine.containers.has(id)) return;
    return check.report({
      subject,
      problem: 'its writable layer is missing',
      path,
      effect: 'what it wrote is gone, and it cannot be started',
      remedy: `remove it (rm ${record.name}) and make it anew`,
      outcome: 'lost',
    });
  }
  await checkChain(engine, check, record, path);
  checkVolumesOf(engine, check, record);
  const problem = await configProblem(engine, id);
  if (!problem || !engine.containers.has(id)) return;
  if (check.repair) await writeFileDurably(paths.config, serializeRecord(record), 0o600);
  check.report({
    subject,
    problem: `its config.json ${problem}`,
    path: paths.config,
    effect: 'it would be lost with the database',
    remedy: 'is written anew from the row',
    outcome: check.repair ? 'repaired' : 'found',
  });
}

async function checkChain(engine: Engine, check: ContainerCheck, record: ContainerRecord, path: string) {
  const chain = await engine.driver.chainOf(record.id).catch((error: unknown) => describe(error));
  const problem =
    typeof chain === 'string'
      ? `it is not known on which layers it stands: ${chain}`
      : chain.join() === record.chain.join()
        ? lostLayers(engine, record.chain)
        : 'its writable layer stands on other layers than the database says';
  if (!problem || !engine.containers.has(record.id)) return;
  check.report({
    subject: `container ${record.name}`,
    problem,
    path,
    effect: 'it cannot be started; what it wrote is still there',
    remedy: `bring the layers back by loading or pulling ${record.config.Image} again, or copy what it wrote and remove it`,
    outcome: 'lost',
  });
}

function checkVolumesOf(engine: Engine, check: ContainerCheck, { name, mountPoints }: ContainerRecord): void {
  const names = mountPoints.flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : []));
  for (const volume of new Set(names)) {
    if (engine.volumes.has(volume)) continue;
    check.report({
      subject: `container ${name}`,
      problem: `its volume ${volume} is not there`,
      effect: 'it cannot be started',
      remedy: `make the volume again (volume create ${volume}), which is empty then, or remove the container`,
      outcome: 'lost',
    });
  }
}

function lostLayers(engine: Engine, chain: readonly Digest[]): string | undefined {
  const lost = chain.filter((diffId) => !engine.graph.hasLayer(diffId));
  return lost.length > 0 ? `it stands on layers that are lost: ${lost.join(', ')}` : undefined;
}

async function configProblem(engine: Engine, id: string): Promise<string | undefined> {
  try {
    await readConfig(engine, id);
    return undefined;
  } catch (error) {
    return errnoCode(error) === 'ENOENT' ? 'is missing' : `cannot be read: ${describe(error)}`;
  }
}

function layerPath(engine: Engine, { id, chain }: ContainerRecord): string {
  return engine.driver.describe(id, chain).UpperDir ?? join(engine.paths.graph, 'containers', id);
}

async function isThere(engine: Engine, id: string): Promise<boolean> {
  const { folder } = engine.paths.container(id);
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || (await engine.driver.listReadWrite()).includes(id);
}
