import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { Exec, type ExecRecord, parseExecRecord } from '#container/exec.ts';
import { isEngineError } from '#errors/errors.ts';
import { killTree } from '#linux/kill-tree.ts';
import { LOST_EXIT_CODE, readExitRecord } from '#runtime/exit-record.ts';
import { connectMonitor, type MonitorControl } from '#runtime/monitor.ts';
import { namesIn } from '../check/clear-unknown.ts';
import type { Engine } from '../engine.ts';
import { endExec, superviseExec } from './supervise.ts';

/** Finds the execs that an earlier engine has left in a container's run folder: they run, have ended, or wait. */
export async function restoreExecs(engine: Engine, container: Container): Promise<void> {
  const ids = await namesIn(engine.paths.container(container.id).execs);
  await Promise.all(ids.map((id) => restoreExec(engine, container, id)));
}

async function restoreExec(engine: Engine, container: Container, id: string): Promise<void> {
  const paths = engine.paths.exec(container.id, id);
  const record = await readRecord(paths.record);
  if (!record) return rm(paths.folder, { recursive: true, force: true });
  const exec = new Exec(container, record);
  const monitor = await liveMonitor(paths.socket);
  if (record.forEngine) {
    engine.background.detached(`ending exec ${id}`, () => endLeftOver(engine, exec, monitor));
    return;
  }
  engine.execs.add(exec);
  if (monitor) return adopt(engine, exec, monitor);
  const exit = await readExitRecord(paths.exitRecord);
  if (exit) exec.pid = exit.pid;
  // without its pid file the runtime has not made a process: it can still be started
  if (exit || existsSync(paths.pidFile)) await endExec(engine, exec, exit?.code ?? LOST_EXIT_CODE);
}

/** Undefined for a text that the killed engine did not finish: nobody was told of that exec. */
async function readRecord(path: string): Promise<ExecRecord | undefined> {
  try {
    return parseExecRecord(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** One whose process is there or on its way; one that still waits for its START leaves when we do. */
async function liveMonitor(socket: string): Promise<MonitorControl | undefined> {
  try {
    const monitor = await connectMonitor(socket);
    if ((await monitor.state()).phase !== 'waiting') return monitor;
    monitor.close();
    return undefined;
  } catch (error) {
    if (isEngineError(error) && error.code === 'MONITOR_GONE') return undefined;
    throw error;
  }
}

/** Whoever wanted its result is gone: it is killed, with all that it has started. */
async function endLeftOver(
  engine: Engine,
  { id, container }: Exec,
  monitor: MonitorControl | undefined,
): Promise<void> {
  try {
    if (monitor) {
      await killTree((await monitor.start()).pid);
      await monitor.exited;
    }
  } catch (error) {
    if (!isEngineError(error)) throw error; // it was refused, or its monitor has gone
  }
  await rm(engine.paths.exec(container.id, id).folder, { recursive: true, force: true });
}

async function adopt(engine: Engine, exec: Exec, monitor: MonitorControl): Promise<void> {
  exec.markStarting();
  engine.background.detached(`taking over exec ${exec.id}`, async () => {
    try {
      superviseExec(engine, exec, monitor, await monitor.start());
    } catch {
      // the runtime has refused it, which nobody hears any more
      engine.execs.forget(exec);
      await rm(engine.paths.exec(exec.container.id, exec.id).folder, { recursive: true, force: true });
    }
  });
}
