import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ConsoleSize, Exec, ExecStart, PreparedExec } from '#container/exec.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import { openMonitor } from '#runtime/monitor.ts';
import { monitorArguments } from '#runtime/monitor-arguments.ts';
import type { Framing } from '#runtime/monitor-stream.ts';
import type { Engine } from '../engine.ts';
import { execMonitorOptions } from '../launch/monitor-options.ts';
import { describeProcess } from './process.ts';

/** Milliseconds for which what a creation has made ready waits for the start. */
const PATIENCE = 1000;

/**
 * Makes ready what the start of a new exec needs, for that is what most clients ask next, with the size that the creation
 * named. What fails is left to the start.
 */
export function prepareAhead(engine: Engine, exec: Exec, framing: Framing): void {
  const start = streamsOf(exec, { consoleSize: exec.record.consoleSize, framing });
  const ready = { start, prepared: prepare(engine, exec, start) };
  exec.ready = ready;
  const drop = (prepared: PreparedExec) => {
    if (exec.ready !== ready) return;
    exec.ready = undefined;
    discard(prepared);
  };
  ready.prepared.then(
    (prepared) => setTimeout(drop, PATIENCE, prepared).unref(),
    () => {},
  );
}

/** An exec without streams is the same whether its client stays or not. */
function streamsOf({ record: { streams } }: Exec, start: ExecStart): ExecStart {
  return streams.stdin || streams.stdout || streams.stderr ? start : { ...start, framing: undefined };
}

/** The exec, ready for this start. Rejects as `describeProcess`. */
export async function takePrepared(engine: Engine, exec: Exec, asked: ExecStart): Promise<PreparedExec> {
  const start = streamsOf(exec, asked);
  const { ready } = exec;
  exec.ready = undefined;
  const prepared = await ready?.prepared.catch(() => undefined);
  if (prepared && isDeepStrictEqual(start, ready?.start)) return prepared;
  if (prepared) discard(prepared);
  return prepare(engine, exec, start);
}

/** Its monitor leaves without a trace, unless it has had its START. */
export function discard({ monitor, stream }: Partial<PreparedExec>): void {
  stream?.destroy();
  monitor?.close();
}

/** The monitor gets ready while the process is described. */
async function prepare(engine: Engine, exec: Exec, { consoleSize, framing }: ExecStart): Promise<PreparedExec> {
  const made: Partial<PreparedExec> = {};
  try {
    await settleAll([startMonitor(engine, exec, framing, made), writeProcess(engine, exec, consoleSize)]);
    fault('exec.start.process');
    return made as PreparedExec;
  } catch (error) {
    discard(made);
    throw error;
  }
}

/** Fills `made` step by step, so that what there is can be discarded. */
async function startMonitor(
  engine: Engine,
  exec: Exec,
  framing: Framing | undefined,
  made: Partial<PreparedExec>,
): Promise<void> {
  const { socket } = engine.paths.exec(exec.container.id, exec.id);
  const options = execMonitorOptions(engine, exec);
  const argv = [engine.monitor, ...monitorArguments(options)];
  await engine.launcher.spawn({ argv, listenSocket: socket, readOnly: options.runtime });
  made.monitor = await openMonitor(socket);
  made.stream = framing && (await made.monitor.attach({ ...exec.record.streams, framing }));
}

async function writeProcess(engine: Engine, exec: Exec, size: ConsoleSize | undefined): Promise<void> {
  const text = await describeProcess(engine, exec, size);
  await writeFile(engine.paths.exec(exec.container.id, exec.id).process, text, { mode: 0o600 });
}
