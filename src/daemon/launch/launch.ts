import { mkdir, writeFile } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import { commandLine, eventAttributes } from '#container/description.ts';
import { describe, EngineError, isEngineError, system } from '#errors/errors.ts';
import { settleAll } from '#lib/settle-all.ts';
import { fault } from '#lib/write-steps.ts';
import { mapRuntimeError } from '#runtime/errors.ts';
import { blankExitRecord } from '#runtime/exit-record.ts';
import { type MonitorControl, openMonitor, RuntimeStartError, type Started } from '#runtime/monitor.ts';
import { monitorArguments } from '#runtime/monitor-arguments.ts';
import type { Engine } from '../engine.ts';
import { beginHealth } from '../health/watch.ts';
import { tellVolumes } from '../volume-events.ts';
import { attachNetwork, detachNetwork, writeEtcFiles } from './launch-network.ts';
import { makeSpec, nextCgroup } from './launch-spec.ts';
import { monitorOptions } from './monitor-options.ts';
import { releaseRun, runOf } from './release-run.ts';
import { superviseRun } from './supervise.ts';

/**
 * Starts the process of a container that does not run. Called under its lock. On failure everything that was set up is
 * taken down again, the state says why, and the error has Docker's words. A start that fails because the engine ends is
 * left to the next one, like one at which an engine is killed.
 */
export async function launch(engine: Engine, container: Container): Promise<void> {
  await container.cleanup;
  container.record.cgroup = nextCgroup(engine, container).path;
  const run: Run = {};
  try {
    const monitor = await prepare(engine, container, run);
    await subscribeWaiting(container, monitor);
    await begin(engine, container, monitor);
  } catch (error) {
    if (engine.ending) throw error;
    throw await abandon(engine, container, run, error);
  }
  await follow(engine, container);
}

/**
 * Takes over a start at which an earlier engine died while the runtime was at work. Called under the container's lock.
 * Rejects as `launch` does.
 */
export async function takeOverLaunch(engine: Engine, container: Container, monitor: MonitorControl): Promise<void> {
  try {
    await begin(engine, container, monitor);
  } catch (error) {
    throw await abandon(engine, container, { monitor }, error);
  }
  await follow(engine, container);
}

async function begin(engine: Engine, container: Container, monitor: MonitorControl): Promise<void> {
  engine.warmCgroups();
  const started = await monitor.start();
  fault('container.start.running');
  markRunning(engine, container, monitor, started);
}

/** It runs: whatever fails from here on does not undo that. */
async function follow(engine: Engine, container: Container): Promise<void> {
  engine.events.publish('container', 'start', container.id, eventAttributes(container));
  superviseRun(engine, container);
  await subscribeLate(container);
  await engine.containers.save(container);
  fault('container.start.saved');
}

/** What has been set up so far. */
interface Run {
  monitor?: MonitorControl;
}

async function abandon(engine: Engine, container: Container, { monitor }: Run, error: unknown): Promise<EngineError> {
  if (monitor && !(error instanceof RuntimeStartError)) monitor.close();
  const { restarting } = container;
  const failure = markRefused(container, error);
  detachNetwork(engine, container);
  tellVolumes(engine, container, 'unmount');
  const gone = monitor ? monitor.gone : Promise.resolve({ cleaned: true });
  container.cleanup = engine.background.run(`cleaning up after ${container.id}`, () =>
    releaseRun(engine, runOf(container.record), gone),
  );
  await engine.containers.save(container);
  fault('container.start.refused');
  if (restarting) container.announceExit();
  return failure;
}

/** Has the state of a container say why it could not be started; gives the error for its client. */
export function markRefused(container: Container, cause: unknown): EngineError {
  const { error, exitCode } = startFailure(container, cause);
  // who was to start again keeps the exit code of its last run
  container.setState(
    container.restarting ? { status: 'exited', error: error.message } : { exitCode, error: error.message },
  );
  return error;
}

/** The monitor gets ready while the bundle is made. */
async function prepare(engine: Engine, container: Container, run: Run): Promise<MonitorControl> {
  const paths = engine.paths.container(container.id);
  await mkdir(paths.runFolder, { recursive: true, mode: 0o711 });
  const [monitor] = await settleAll([
    startMonitor(engine, container, run),
    makeBundle(engine, container),
    container.state.startedAt > 0n ? blankExitRecord(paths.exitRecord) : Promise.resolve(),
  ]);
  return monitor;
}

/** Mount and network have nothing to do with each other and are made side by side. */
async function makeBundle(engine: Engine, container: Container): Promise<void> {
  const [rootfs] = await settleAll([engine.driver.get(container.id), makeNetwork(engine, container)]);
  fault('container.start.mounted');
  const spec = await makeSpec(engine, container, rootfs.path);
  tellVolumes(engine, container, 'mount');
  await writeFile(engine.paths.container(container.id).bundleConfig, spec);
  fault('container.start.bundle');
}

async function makeNetwork(engine: Engine, container: Container): Promise<void> {
  await attachNetwork(engine, container);
  await writeEtcFiles(engine, container);
}

async function startMonitor(engine: Engine, container: Container, run: Run): Promise<MonitorControl> {
  const { socket } = engine.paths.container(container.id);
  const options = monitorOptions(engine, container);
  const argv = [engine.monitor, ...monitorArguments(options)];
  await engine.launcher.spawn({ argv, listenSocket: socket, readOnly: options.runtime });
  run.monitor = await openMonitor(socket);
  await subscribeWaiting(container, run.monitor);
  return run.monitor;
}

async function subscribeWaiting(container: Container, monitor: MonitorControl): Promise<void> {
  const waiting = [...container.pendingAttachments];
  container.pendingAttachments.clear();
  await Promise.all(
    waiting.map(async (attachment) => {
      const { framing, stdin, stdout, stderr } = attachment.settings;
      attachment.begin(await monitor.attach({ stdin, stdout, stderr, framing }));
    }),
  );
}

/** Those who attached while it started; when it has ended already, there is nothing left for them. */
async function subscribeLate(container: Container): Promise<void> {
  const late = [...container.pendingAttachments];
  try {
    if (container.monitor) await subscribeWaiting(container, container.monitor);
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'MONITOR_GONE') throw error;
    for (const attachment of late) attachment.cancel();
  }
}

function markRunning(engine: Engine, container: Container, monitor: MonitorControl, started: Started): void {
  container.monitor = monitor;
  container.setState({
    status: 'running',
    pid: started.pid,
    processStartTime: started.processStartTime,
    bootId: engine.bootId,
    startedAt: started.startedAt,
    exitCode: 0,
    error: '',
    oomKilled: false,
    paused: false,
    stoppedByUser: false,
  });
  beginHealth(engine, container);
}

function startFailure(container: Container, error: unknown): { error: EngineError; exitCode: number } {
  if (error instanceof RuntimeStartError) {
    const { kind, message, exitCode } = mapRuntimeError(error.message, commandLine(container.record.config)[0] ?? '');
    return { error: new EngineError(kind, message, { cause: error }), exitCode };
  }
  if (error instanceof EngineError) return { error, exitCode: 128 };
  const message = `cannot start container ${container.name}: ${describe(error)}`;
  return { error: system(message, { cause: error }), exitCode: 128 };
}
