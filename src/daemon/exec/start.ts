import { rm } from 'node:fs/promises';
import type { ConsoleSize, Exec } from '#container/exec.ts';
import { conflict, describe, EngineError, isEngineError, system } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import { mapRuntimeError } from '#runtime/errors.ts';
import { type MonitorControl, RuntimeStartError } from '#runtime/monitor.ts';
import type { MonitorStream } from '#runtime/monitor-stream.ts';
import type { Engine } from '../engine.ts';
import { checkCanExec } from './create.ts';
import { publishExec } from './events.ts';
import { takePrepared } from './prepare.ts';
import { superviseExec } from './supervise.ts';

/** What dockerd says for every exec that could not be started. */
const REFUSED_EXIT_CODE = 126;

export interface StartOptions {
  /** In characters; wins over the size that the creation named. */
  consoleSize?: ConsoleSize;
  /** Whether its streams are wanted, and in which form; absent = it is left to itself. */
  framing?: 'raw' | 'docker';
}

/**
 * Starts the process and gives its streams, of which no byte is missing; undefined when none were wanted or none exist.
 * Throws `conflict` for an exec that has been started before, and the runtime's refusal in Docker's words.
 */
export async function startExec(
  engine: Engine,
  exec: Exec,
  { consoleSize = exec.record.consoleSize, framing }: StartOptions,
): Promise<MonitorStream | undefined> {
  checkCanExec(exec.container);
  if (exec.status === 'ended') throw conflict(`Error: Exec command ${exec.id} has already run`);
  if (exec.status === 'running') throw conflict(`Error: Exec command ${exec.id} is already running`);
  exec.markStarting();
  publishExec(engine, exec, 'exec_start');
  try {
    const monitor = await takePrepared(engine, exec, consoleSize);
    return await begin(engine, exec, monitor, framing);
  } catch (error) {
    exec.markEnded(REFUSED_EXIT_CODE);
    await rm(engine.paths.exec(exec.container.id, exec.id).folder, { recursive: true, force: true });
    fault('exec.start.refused');
    throw startFailure(exec, error);
  }
}

async function begin(
  engine: Engine,
  exec: Exec,
  monitor: MonitorControl,
  framing: StartOptions['framing'],
): Promise<MonitorStream | undefined> {
  const { streams } = exec.record;
  const wanted = framing && (streams.stdin || streams.stdout || streams.stderr);
  let stream: MonitorStream | undefined;
  try {
    stream = wanted ? await monitor.attach({ ...streams, framing }) : undefined;
    const started = await monitor.start();
    fault('exec.start.running');
    superviseExec(engine, exec, monitor, started);
    return stream;
  } catch (error) {
    stream?.destroy();
    monitor.close();
    throw error;
  }
}

function startFailure(exec: Exec, error: unknown): EngineError {
  if (error instanceof RuntimeStartError) {
    const { kind, message } = mapRuntimeError(error.message, exec.record.command[0] ?? '', 'exec');
    return new EngineError(kind, message, { cause: error });
  }
  if (isEngineError(error)) return error;
  return system(`cannot start exec ${exec.id}: ${describe(error)}`, { cause: error });
}
