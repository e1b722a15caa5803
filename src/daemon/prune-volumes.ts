import type { VolumePruneResponse } from '#api/types/volume.ts';
import { isEngineError } from '#errors/errors.ts';
import { booleanFilter, checkFilterNames, type Filters } from '#lib/filters.ts';
import { prunableBy } from '#lib/prune-filters.ts';
import { treeSize } from '#lib/tree-size.ts';
import { ANONYMOUS_LABEL } from '#volume/volume-record.ts';
import type { Engine } from './engine.ts';

const FILTERS: ReadonlySet<string> = new Set(['label', 'label!', 'all']);

/**
 * `POST /volumes/prune`: volumes that no container names, of those with a name only with `all`, of those
 * with driver options none. Bytes reclaimed are those
 * of the files. Throws `invalid` for another filter.
 */
export async function pruneVolumes(engine: Engine, filters: Filters): Promise<VolumePruneResponse> {
  checkFilterNames(filters, FILTERS);
  const all = booleanFilter(filters, 'all', false);
  const isPrunable = prunableBy(filters, ['all']);
  const report: VolumePruneResponse = { VolumesDeleted: [], SpaceReclaimed: 0 };
  for (const { Name: name, Labels: labels, Options: options, Mountpoint: folder } of engine.volumes.list(UNUSED)
    .Volumes) {
    // What it stands for (a share, a device) is not the engine's to delete.
    if (Object.keys(options ?? {}).length > 0) continue;
    if (!isPrunable({ labels, created: 0n }) || !(all || Object.hasOwn(labels ?? {}, ANONYMOUS_LABEL))) continue;
    const size = await treeSize(folder);
    if (!(await removed(engine, name))) continue;
    report.VolumesDeleted?.push(name);
    report.SpaceReclaimed += size;
  }
  engine.events.publish('volume', 'prune', '', { reclaimed: String(report.SpaceReclaimed) });
  return report;
}

const UNUSED: Filters = new Map([['dangling', ['true']]]);

/** False = a container has come to name it meanwhile, or somebody else has removed it. */
async function removed(engine: Engine, name: string): Promise<boolean> {
  try {
    await engine.volumes.remove(name);
    return true;
  } catch (error) {
    if (isEngineError(error, 'conflict') || isEngineError(error, 'not-found')) return false;
    throw error;
  }
}
