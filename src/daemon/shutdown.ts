import type { Container } from '#container/container.ts';
import { beginEnd, type Engine } from './engine.ts';
import { DEFAULT_STOP_TIMEOUT, stopRunning, within } from './stop.ts';

/** Seconds that a container may take to go once its time to stop is over. */
const GRACE = 5;

/**
 * The machine is shutting down, or `--live-restore=false`: every container gets its stop signal, and its own time to follow
 * it; one that is just being started, as soon as it runs. Restart policies start again what they want with the next daemon.
 * Who is still there after `shutdownTimeout` (or its own time, if that is longer) is left.
 */
export async function stopForShutdown(engine: Engine): Promise<void> {
  beginEnd(engine);
  const containers = [...engine.containers].filter(({ running, lock }) => running || lock.busy);
  const stopped = Promise.allSettled(containers.map((one) => stopOnceStarted(engine, one)));
  const times = containers.map(({ record }) => record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT);
  if (times.some((seconds) => seconds < 0)) return void (await stopped);
  const patience = Math.max(engine.config.shutdownTimeout, ...times.map((seconds) => seconds + GRACE));
  await within(stopped, patience * 1000);
}

async function stopOnceStarted(engine: Engine, container: Container): Promise<void> {
  if (!container.running) await container.lock.run(async () => {});
  await stopRunning(engine, container, { forShutdown: true });
}
