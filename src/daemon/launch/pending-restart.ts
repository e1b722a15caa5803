import type { Container } from '#container/container.ts';
import { nowNs } from '#lib/time.ts';
import { fault } from '#lib/write-steps.ts';
import type { Engine } from '../engine.ts';

/** Milliseconds until a container that waits for its restart is due, counted from its end; 0 when it is overdue. */
export function restartDue({ record, state }: Container): number {
  const since = Number((nowNs() - state.finishedAt) / 1_000_000n);
  return Math.max((record.restartDelay ?? 0) - Math.max(since, 0), 0);
}

/** Has a container whose state is `restarting` started when it is due. */
export function scheduleRestart(engine: Engine, container: Container): void {
  if (container.restarting) engine.restarts.set(container.id, restartDue(container));
}

/** A container that waits for its restart has exited, by the will of a user. False when it does not wait (any more). */
export async function cancelRestart(engine: Engine, container: Container): Promise<boolean> {
  if (!container.restarting) return false;
  return container.lock.run(async () => {
    if (!container.restarting) return false;
    engine.restarts.clear(container.id);
    container.setState({ status: 'exited', stoppedByUser: true });
    await engine.containers.save(container);
    fault('container.restart.cancelled');
    container.announceExit();
    return true;
  });
}
