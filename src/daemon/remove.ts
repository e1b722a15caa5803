import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { layersOf } from '#container/record.ts';
import type { Leftovers } from '#container/store.ts';
import { conflict } from '#errors/errors.ts';
import { removeSmallFolder } from '#lib/remove-small.ts';
import { fault } from '#lib/write-steps.ts';
import type { Engine } from './engine.ts';
import { runOf } from './launch/release-run.ts';
import { removeLink } from './remove-link.ts';
import { stopRunning } from './stop.ts';

/** `DELETE /containers/{id}`. Throws `conflict` for a running container without `force`, or one already going. */
export async function removeByName(
  engine: Engine,
  id: string,
  options: { volumes: boolean; force: boolean; link: boolean },
): Promise<void> {
  if (options.link) return removeLink(engine, id);
  const container = engine.containers.get(id);
  if (container.removing) throw conflict(`removal of container ${id} is already in progress`);
  if (container.active && !options.force) {
    const { name, status } = container;
    const advice =
      status === 'paused' ? ' and must be unpaused first' : ': stop the container before removing or force remove';
    throw conflict(`cannot remove container "/${name}": container is ${status}${advice}`);
  }
  if (container.active) await stopRunning(engine, container, { signal: 'SIGKILL' });
  await container.lock.run(async () => {
    await removeContainer(engine, container, { volumes: options.volumes });
  });
}

/**
 * Takes a stopped container out of sight at once: row, name, volumes of its own, events, waiters. Its files and mounts go
 * in the background; a killed engine finishes that at its next start.
 */
export async function removeContainer(
  engine: Engine,
  container: Container,
  { volumes }: { volumes: boolean },
): Promise<void> {
  if (container.removing) return;
  container.markRemoving();
  const { anonymousVolumes } = container.record;
  const chain = layersOf(container.record);
  const leftovers = { ...runOf(container.record), chain, anonymousVolumes: volumes ? anonymousVolumes : [] };
  await engine.containers.remove(container, leftovers).catch((error: unknown) => {
    container.markRemoving(false);
    throw error;
  });
  fault('container.remove.commit');
  engine.execs.forgetAll(container);
  engine.volumes.release(container.id);
  // A failure is not this caller's: the background below comes across the same volume again, and says so.
  await Promise.allSettled(leftovers.anonymousVolumes.map((name) => engine.volumes.removeIfUnused(name)));
  engine.events.publish('container', 'destroy', container.id, eventAttributes(container));
  container.announceRemoval();
  const removed = engine.background.run(`removing the files of ${container.id}`, async () => {
    await container.cleanup;
    await finishRemoval(engine, leftovers);
  });
  engine.containers.leave(container.id, removed);
}

/** Deletes what a removed container left; can be repeated. */
export async function finishRemoval(engine: Engine, leftovers: Leftovers): Promise<void> {
  await removeLeftovers(engine, leftovers);
  await engine.containers.finishRemoval(leftovers.id);
  fault('container.remove.done');
}

/** The files of a container that has no row: removed, or never finished. */
export async function removeLeftovers(
  engine: Engine,
  {
    id,
    chain,
    anonymousVolumes,
    imageLayers = [],
  }: Pick<Leftovers, 'id' | 'chain' | 'anonymousVolumes' | 'imageLayers'>,
): Promise<void> {
  const { folder, runFolder } = engine.paths.container(id);
  for (const layer of imageLayers) await engine.driver.remove(layer);
  await engine.driver.remove(id);
  engine.containers.dropRoot(id);
  await engine.graph.collectLayers(chain);
  fault('container.remove.layer');
  await Promise.all([removeSmallFolder(folder), removeSmallFolder(runFolder)]);
  fault('container.remove.files');
  engine.volumes.release(id);
  for (const name of anonymousVolumes) await engine.volumes.removeIfUnused(name);
  fault('container.remove.volumes');
}
