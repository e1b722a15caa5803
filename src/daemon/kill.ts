import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { conflict, errnoCode, isEngineError } from '#errors/errors.ts';
import { parseSignal } from '#lib/signal.ts';
import { fault } from '#lib/write-steps.ts';
import { processStartTime } from '#linux/processes.ts';
import type { Engine } from './engine.ts';
import { cancelRestart } from './launch/pending-restart.ts';
import { unpause } from './pause.ts';

const SIGKILL = 9;

/**
 * `POST /containers/{id}/kill`. One that waits for its restart is not started again. Throws `conflict` when the container
 * does not run.
 */
export async function killContainer(engine: Engine, id: string, signal: string): Promise<void> {
  const container = engine.containers.get(id);
  const number = parseSignal(signal || 'SIGKILL');
  if (container.restarting && !isEnd(container, number)) return;
  if (await cancelRestart(engine, container)) return;
  if (!container.running) {
    throw conflict(`cannot kill container: ${id}: container ${container.id} is not running`);
  }
  const exited = container.waitForExit();
  await signalContainer(engine, container, number);
  if (number === SIGKILL) await exited;
}

/** Sends a signal to process 1 for a user: after one that is meant to end the container no restart follows. */
export async function signalContainer(engine: Engine, container: Container, signal: number): Promise<void> {
  if (isEnd(container, signal)) await markStopped(engine, container);
  await sendSignal(engine, container, signal);
}

/** Restart policies leave it alone from now on; an engine that is killed before its end is seen leaves that behind. */
export async function markStopped(engine: Engine, container: Container): Promise<void> {
  if (container.state.stoppedByUser) return;
  container.setState({ stoppedByUser: true });
  const { Name: policy } = container.record.hostConfig.RestartPolicy;
  if (policy === '' || policy === 'no') return;
  await engine.containers.save(container);
  fault('container.stop.noted');
}

/** Sends a signal to process 1; one that has ended meanwhile is no error. What is meant to end it ends a pause, too. */
export async function sendSignal(engine: Engine, container: Container, signal: number): Promise<void> {
  try {
    if (container.monitor) await container.monitor.kill(signal);
    else await signalDirectly(container, signal);
  } catch (error) {
    const code = isEngineError(error) ? error.code : errnoCode(error);
    if (code === 'MONITOR_GONE') await signalDirectly(container, signal);
    else if (code !== 'ESRCH') throw error;
  }
  engine.events.publish('container', 'kill', container.id, eventAttributes(container, { signal: String(signal) }));
  if (isEnd(container, signal)) await unpause(engine, container);
}

/** As in dockerd, every signal, unless the container has a stop signal of its own and this is another one. */
function isEnd(container: Container, signal: number): boolean {
  return signal === SIGKILL || !container.record.config.StopSignal || signal === stopSignal(container);
}

export function stopSignal({ record }: Container): number {
  return parseSignal(record.config.StopSignal ?? 'SIGTERM');
}

/** Without a monitor to do it: the process is known by pid, start time and boot. */
async function signalDirectly({ state }: Container, signal: number): Promise<void> {
  if (state.pid > 0 && (await processStartTime(state.pid)) === state.processStartTime) process.kill(state.pid, signal);
}
