import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ConsoleSize, Exec } from '#container/exec.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import { connectMonitor, type MonitorControl } from '#runtime/monitor.ts';
import { monitorArguments } from '#runtime/monitor-arguments.ts';
import type { Engine } from '../engine.ts';
import { execMonitorOptions } from '../launch/monitor-options.ts';
import { describeProcess } from './process.ts';

/** Milliseconds for which what a creation has made ready waits for the start. */
const PATIENCE = 1000;

/** Makes ready what the start of a new exec needs, for that is what most clients ask next. What fails is left to it. */
export function prepareAhead(engine: Engine, exec: Exec): void {
  const ready = prepare(engine, exec, exec.record.consoleSize);
  exec.ready = ready;
  const drop = (monitor: MonitorControl) => {
    if (exec.ready !== ready) return;
    exec.ready = undefined;
    monitor.close();
  };
  ready.then(
    (monitor) => setTimeout(drop, PATIENCE, monitor).unref(),
    () => {},
  );
}

/** The monitor of an exec, which waits for its START, and its process described. Rejects as `describeProcess`. */
export async function takePrepared(engine: Engine, exec: Exec, size: ConsoleSize | undefined): Promise<MonitorControl> {
  const { ready } = exec;
  exec.ready = undefined;
  const monitor = await ready?.catch(() => undefined);
  if (monitor && isDeepStrictEqual(size, exec.record.consoleSize)) return monitor;
  monitor?.close();
  return prepare(engine, exec, size);
}

/** The monitor gets ready while the process is described. */
async function prepare(engine: Engine, exec: Exec, size: ConsoleSize | undefined): Promise<MonitorControl> {
  const run: { monitor?: MonitorControl } = {};
  try {
    const [monitor] = await settleAll([startMonitor(engine, exec, run), writeProcess(engine, exec, size)]);
    fault('exec.start.process');
    return monitor;
  } catch (error) {
    run.monitor?.close();
    throw error;
  }
}

async function startMonitor(engine: Engine, exec: Exec, run: { monitor?: MonitorControl }): Promise<MonitorControl> {
  const { socket } = engine.paths.exec(exec.container.id, exec.id);
  const argv = [engine.monitor, ...monitorArguments(execMonitorOptions(engine, exec))];
  await engine.launcher.spawn({ argv, listenSocket: socket });
  run.monitor = await connectMonitor(socket);
  return run.monitor;
}

async function writeProcess(engine: Engine, exec: Exec, size: ConsoleSize | undefined): Promise<void> {
  const text = await describeProcess(engine, exec, size);
  await writeFile(engine.paths.exec(exec.container.id, exec.id).process, text, { mode: 0o600 });
}
