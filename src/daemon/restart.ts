import { eventAttributes } from '#container/description.ts';
import type { Engine } from './engine.ts';
import { startContainer } from './start.ts';
import { type StopOptions, stopRunning } from './stop.ts';

/** `POST /containers/{id}/restart`: a container that does not run is only started; auto-remove does not count. */
export async function restartContainer(engine: Engine, id: string, options: StopOptions): Promise<void> {
  const container = engine.containers.get(id);
  if (container.active) {
    container.beingRestarted = true;
    try {
      await stopRunning(engine, container, options);
    } finally {
      container.beingRestarted = false;
    }
    engine.events.publish('container', 'stop', container.id, eventAttributes(container));
  }
  await startContainer(engine, container.id);
  engine.events.publish('container', 'restart', container.id, eventAttributes(container));
}
