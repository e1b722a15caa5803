import { rm } from 'node:fs/promises';
import type { Exec, ExecStart, PreparedExec } from '#container/exec.ts';
import { conflict, describe, EngineError, isEngineError, system } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import { mapRuntimeError } from '#runtime/errors.ts';
import { RuntimeStartError } from '#runtime/monitor.ts';
import type { MonitorStream } from '#runtime/monitor-stream.ts';
import type { Engine } from '../engine.ts';
import { checkCanExec } from './create.ts';
import { publishExec } from './events.ts';
import { discard, takePrepared } from './prepare.ts';
import { superviseExec } from './supervise.ts';

/** What dockerd says for every exec that could not be started. */
const REFUSED_EXIT_CODE = 126;

/**
 * Starts the process and gives its streams, of which no byte is missing; undefined when none were wanted or none exist. A
 * console size wins over the one that the creation named.
 * Throws `conflict` for an exec that has been started before, and the runtime's refusal in Docker's words.
 */
export async function startExec(
  engine: Engine,
  exec: Exec,
  { consoleSize = exec.record.consoleSize, framing }: Partial<ExecStart>,
): Promise<MonitorStream | undefined> {
  checkCanExec(exec.container);
  if (exec.status === 'ended') throw conflict(`Error: Exec command ${exec.id} has already run`);
  if (exec.status === 'running') throw conflict(`Error: Exec command ${exec.id} is already running`);
  exec.markStarting();
  publishExec(engine, exec, 'exec_start');
  try {
    return await begin(engine, exec, await takePrepared(engine, exec, { consoleSize, framing }));
  } catch (error) {
    exec.markEnded(REFUSED_EXIT_CODE);
    await rm(engine.paths.exec(exec.container.id, exec.id).folder, { recursive: true, force: true });
    fault('exec.start.refused');
    throw startFailure(exec, error);
  }
}

async function begin(engine: Engine, exec: Exec, prepared: PreparedExec): Promise<MonitorStream | undefined> {
  const { monitor, stream } = prepared;
  try {
    engine.warmCgroups();
    const started = await monitor.start();
    fault('exec.start.running');
    superviseExec(engine, exec, monitor, started);
    return stream;
  } catch (error) {
    discard(prepared);
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
