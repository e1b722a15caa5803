import type { Container } from '#container/container.ts';
import { findContainer } from '#container/store.ts';
import { describe } from '#errors/errors.ts';
import type { Engine } from '../engine.ts';
import { launch } from './launch.ts';

/** The time has come that `scheduleRestart` has set. */
export function startDue(engine: Engine, id: string): void {
  const container = findContainer(engine.containers, id);
  if (container) engine.background.detached(`starting ${id} again`, () => startAgain(engine, container));
}

/**
 * Starts a container whose state is `restarting`; one that cannot be started has exited, and its state says why. When the
 * engine ends, it stays `restarting`: for the next one.
 */
export async function startAgain(engine: Engine, container: Container): Promise<void> {
  await container.lock.run(async () => {
    if (!container.restarting || container.removing || engine.ending) return;
    try {
      await launch(engine, container);
    } catch (error) {
      engine.log.warn('a container could not be started again', { container: container.id, error: describe(error) });
    }
  });
}
