import type { Engine } from './engine.ts';
import { stopRunning } from './stop.ts';

/** `--live-restore=false`: every container gets its stop signal, and `shutdownTimeout` at most to follow it. */
export async function stopForShutdown(engine: Engine): Promise<void> {
  const timeout = engine.config.shutdownTimeout;
  const running = [...engine.containers].filter((container) => container.running);
  await Promise.allSettled(running.map((container) => stopRunning(engine, container, { timeout })));
}
