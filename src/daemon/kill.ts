import { readFile } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { conflict, errnoCode, isEngineError } from '#errors/errors.ts';
import { parseSignal } from '#lib/signal.ts';
import type { Engine } from './engine.ts';
import { unpause } from './pause.ts';

const SIGKILL = 9;

/** `POST /containers/{id}/kill`. Throws `conflict` when the container does not run. */
export async function killContainer(engine: Engine, id: string, signal: string): Promise<void> {
  const container = engine.containers.get(id);
  const number = parseSignal(signal || 'SIGKILL');
  if (!container.running) {
    throw conflict(`cannot kill container: ${id}: container ${container.id} is not running`);
  }
  const exited = container.waitForExit();
  await signalContainer(engine, container, number);
  if (number === SIGKILL) await exited;
}

/**
 * Sends a signal to process 1; one that has ended meanwhile is no error. As in dockerd, every signal is meant to end the
 * container unless it has a stop signal of its own and this is another one: no restart follows, and a pause is over.
 */
export async function signalContainer(engine: Engine, container: Container, signal: number): Promise<void> {
  const { StopSignal: own } = container.record.config;
  const ends = signal === SIGKILL || !own || signal === stopSignal(container);
  if (ends) container.setState({ stoppedByUser: true });
  try {
    if (container.monitor) await container.monitor.kill(signal);
    else await signalDirectly(container, signal);
  } catch (error) {
    const code = isEngineError(error) ? error.code : errnoCode(error);
    if (code === 'MONITOR_GONE') await signalDirectly(container, signal);
    else if (code !== 'ESRCH') throw error;
  }
  engine.events.publish('container', 'kill', container.id, eventAttributes(container, { signal: String(signal) }));
  if (ends) await unpause(engine, container);
}

export function stopSignal({ record }: Container): number {
  return parseSignal(record.config.StopSignal ?? 'SIGTERM');
}

/** Without a monitor to do it: the process is known by pid, start time and boot. */
async function signalDirectly({ state }: Container, signal: number): Promise<void> {
  if (state.pid > 0 && (await processStartTime(state.pid)) === state.processStartTime) process.kill(state.pid, signal);
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)); undefined when there is no such process. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' || errnoCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
