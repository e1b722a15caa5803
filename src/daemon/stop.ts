import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { notModified, system } from '#errors/errors.ts';
import { parseSignal } from '#lib/signal.ts';
import type { Engine } from './engine.ts';
import { markStopped, sendSignal, stopSignal } from './kill.ts';
import { cancelRestart } from './launch/pending-restart.ts';

/** Seconds. */
export const DEFAULT_STOP_TIMEOUT = 10;
const SIGKILL = 9;
/** Milliseconds in which a killed process must be gone; what then still lives waits for a device. */
const KILL_DEADLINE = 30_000;

export interface StopOptions {
  /** Seconds until SIGKILL; -1 = never; absent = the container's own. */
  timeout?: number;
  signal?: string;
}

export interface StopRequest extends StopOptions {
  /** Nobody wants it stopped, but the daemon ends: its restart policy goes on counting. */
  forShutdown?: boolean;
}

/** `POST /containers/{id}/stop`. Throws `not-modified` when the container does not run. */
export async function stopContainer(engine: Engine, id: string, options: StopOptions): Promise<void> {
  const container = engine.containers.get(id);
  if (!container.active) throw notModified(`Container ${container.name} is not running`);
  await stopRunning(engine, container, options);
  engine.events.publish('container', 'stop', container.id, eventAttributes(container));
}

/** Asks process 1 to end, kills it after the time-out, and waits until it is gone; ends the wait for a restart. */
export async function stopRunning(engine: Engine, container: Container, options: StopRequest): Promise<void> {
  if (!options.forShutdown && (await cancelRestart(engine, container))) return;
  if (!container.running) return;
  const signal = options.signal ? parseSignal(options.signal) : stopSignal(container);
  const timeout = options.timeout ?? container.record.config.StopTimeout ?? DEFAULT_STOP_TIMEOUT;
  const exited = container.waitForExit();
  if (!options.forShutdown) await markStopped(engine, container);
  await sendSignal(engine, container, signal);
  if (timeout < 0) {
    await exited;
    return;
  }
  if (await within(exited, timeout * 1000)) return;
  await sendSignal(engine, container, SIGKILL);
  if (await within(exited, KILL_DEADLINE)) return;
  throw system(`container ${container.name} did not end ${KILL_DEADLINE / 1000} s after SIGKILL`, {
    hint: `Process ${container.state.pid} waits in the kernel; /proc/${container.state.pid}/stack says where.`,
  });
}

/** Whether `done` settles, not with a failure, within that time. */
export async function within(done: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
