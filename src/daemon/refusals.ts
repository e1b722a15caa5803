import type { Container } from '#container/container.ts';
import { conflict } from '#errors/errors.ts';

/** Throws `conflict` in Docker's words for a container that has no process but will have one by itself. */
export function refuseRestarting(container: Container): void {
  if (container.restarting) {
    throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
  }
}

export function refuseRemoving(container: Container): void {
  if (container.removing || container.state.status === 'dead') {
    throw conflict(`Container ${container.id} is marked for removal and cannot be started or changed.`);
  }
}
