import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Exec } from '#container/exec.ts';
import { isEngineError } from '#errors/errors.ts';
import { removeFile } from '#lib/remove-small.ts';
import { fault } from '#lib/write-steps.ts';
import { LOST_EXIT_CODE, readExitRecord } from '#runtime/exit-record.ts';
import type { MonitorControl, Started } from '#runtime/monitor.ts';
import type { Engine } from '../engine.ts';
import { noticeOom } from '../launch/oom.ts';
import { publishExecDie } from './events.ts';

/** Exit code of a process that was killed by SIGKILL. */
const KILLED = 137;

/** Its process is there; waits, without anybody waiting for it, for the end. */
export function superviseExec(engine: Engine, exec: Exec, monitor: MonitorControl, started: Started): void {
  exec.markStarted(started.pid, monitor);
  engine.background.detached(`supervising exec ${exec.id}`, async () => {
    const exitCode = await monitor.exited.then(
      ({ code }) => code,
      () => afterLostMonitor(engine, exec, started),
    );
    await endExec(engine, exec, exitCode);
  });
}

/** The monitor was killed, or has ended just before the engine could hear it. The process may live on. */
async function afterLostMonitor(engine: Engine, exec: Exec, { pid, processStartTime }: Started): Promise<number> {
  const recorded = await readExitRecord(engine.paths.exec(exec.container.id, exec.id).exitRecord);
  if (recorded) return recorded.code;
  engine.log.warn('the monitor of an exec is gone', { exec: exec.id, container: exec.container.id, pid });
  try {
    const { code, signal } = await engine.launcher.watchPid(pid, processStartTime);
    return signal ? 128 + signal : (code ?? LOST_EXIT_CODE);
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'ESRCH') throw error;
    return LOST_EXIT_CODE;
  }
}

/** It has ended: what stays of it is what can be asked about, also if its exit code is not known. */
export async function endExec(engine: Engine, exec: Exec, exitCode: number): Promise<void> {
  exec.markEnded(exitCode);
  if (exitCode === KILLED) await noticeOom(engine, exec.container);
  if (engine.containers.has(exec.container.id)) publishExecDie(engine, exec, exitCode);
  await nextTurn(); // who waits for the end comes first
  const { process, socket, runtimeLog } = engine.paths.exec(exec.container.id, exec.id);
  await Promise.all([process, socket, runtimeLog].map(removeFile));
  fault('exec.end');
}
