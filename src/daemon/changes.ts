import type { FilesystemChange } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import { conflict } from '#errors/errors.ts';
import type { Engine } from './engine.ts';

/** `GET /containers/{id}/changes`: what the container has changed in its image, running or not. */
export async function containerChanges(engine: Engine, id: string): Promise<FilesystemChange[]> {
  const container = engine.containers.get(id);
  refuseGoing(container, 'list the changes of');
  return engine.driver.changes(container.id);
}

/** Throws `conflict`, in Docker's words, for a container of which nothing can be made any more. */
export function refuseGoing(container: Container, verb: string): void {
  if (container.state.status === 'dead') throw conflict(`You cannot ${verb} container ${container.id} which is Dead`);
  if (container.removing) throw conflict(`You cannot ${verb} container ${container.id} which is being removed`);
}
