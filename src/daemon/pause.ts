import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { conflict, system } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import { cgroupFrozen, pauseCgroup, resumeCgroup } from '#linux/cgroup-control.ts';
import type { Engine } from './engine.ts';
import { endHealth, watchHealth } from './health/watch.ts';
import { cgroupPath } from './launch/launch-spec.ts';
import { refuseRestarting } from './refusals.ts';

/** `POST /containers/{id}/pause`. Throws `conflict` in Docker's words unless it runs and is not paused. */
export async function pauseContainer(engine: Engine, id: string): Promise<void> {
  const container = engine.containers.get(id);
  await container.lock.run(async () => {
    refuseRestarting(container);
    if (!container.running) throw conflict(`container ${container.id} is not running`);
    if (container.state.paused) throw conflict(`Container ${container.id} is already paused`);
    await pauseCgroup(engine.cgroups, cgroupPath(engine, container));
    fault('container.pause.frozen');
    await savePaused(engine, container, true);
  });
}

/** `POST /containers/{id}/unpause`. Throws `system`, as dockerd does, for a container that is not paused. */
export async function unpauseContainer(engine: Engine, id: string): Promise<void> {
  const container = engine.containers.get(id);
  await container.lock.run(async () => {
    if (!container.running || !container.state.paused) throw system(`Container ${container.id} is not paused`);
    await unpause(engine, container);
  });
}

/** Lets a paused container go on; one that is not paused is left alone. */
export async function unpause(engine: Engine, container: Container): Promise<void> {
  if (!container.state.paused) return;
  await resumeCgroup(engine.cgroups, cgroupPath(engine, container));
  fault('container.unpause.thawed');
  await savePaused(engine, container, false);
}

/**
 * A killed engine may have frozen a container, or let it go on, without having said so: the record counts, except that
 * nobody is paused who runs.
 */
export async function restorePaused(engine: Engine, container: Container): Promise<void> {
  const path = cgroupPath(engine, container);
  const frozen = await cgroupFrozen(engine.cgroups, path);
  if (frozen && !container.state.paused) await resumeCgroup(engine.cgroups, path);
  else container.setState({ paused: frozen });
}

async function savePaused(engine: Engine, container: Container, paused: boolean): Promise<void> {
  if (container.running) container.setState({ paused });
  if (paused) endHealth(container);
  else watchHealth(engine, container);
  const action = paused ? 'pause' : 'unpause';
  engine.events.publish('container', action, container.id, eventAttributes(container));
  await engine.containers.save(container);
  fault(`container.${action}.saved`);
}
