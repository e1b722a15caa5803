import type { ContainerPruneResponse } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import { conflict, isEngineError } from '#errors/errors.ts';
import type { Filters } from '#lib/filters.ts';
import { prunableBy } from '#lib/prune-filters.ts';
import type { Engine } from './engine.ts';
import { removeContainer } from './remove.ts';

/** Engines with a prune under way. */
const pruning = new WeakSet<Engine>();

/**
 * `POST /containers/prune`: removes the containers that do not run, without their volumes. `SpaceReclaimed` is in bytes.
 * Throws `invalid` for a bad filter, and `conflict` while another prune is under way.
 */
export async function pruneContainers(engine: Engine, filters: Filters): Promise<ContainerPruneResponse> {
  const passes = prunableBy(filters);
  if (pruning.has(engine)) throw conflict('a prune operation is already running');
  pruning.add(engine);
  try {
    const deleted: string[] = [];
    let reclaimed = 0;
    for (const container of [...engine.containers]) {
      const { config, created } = container.record;
      if (isBusy(container) || !passes({ labels: config.Labels, created })) continue;
      const size = await removeStopped(engine, container);
      if (size === undefined) continue;
      deleted.push(container.id);
      reclaimed += size;
    }
    engine.events.publish('container', 'prune', '', { reclaimed: String(reclaimed) });
    return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
  } finally {
    pruning.delete(engine);
  }
}

const isBusy = (container: Container) => container.active || container.removing;

/** Bytes of its writable layer; undefined when it has come to run, or has gone, meanwhile. */
function removeStopped(engine: Engine, container: Container): Promise<number | undefined> {
  return container.lock.run(async () => {
    if (isBusy(container) || !engine.containers.has(container.id)) return undefined;
    const size = await writtenBytes(engine, container.id);
    await removeContainer(engine, container, { volumes: false });
    return size;
  });
}

async function writtenBytes({ driver, log }: Engine, id: string): Promise<number> {
  try {
    return await driver.diffSize(id);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    log.warn('the size of a container is not known', { container: id, error: error.message });
    return 0;
  }
}
