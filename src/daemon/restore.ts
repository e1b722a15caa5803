import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Container } from '#container/container.ts';
import type { Leftovers } from '#container/store.ts';
import { describe, isEngineError } from '#errors/errors.ts';
import { nowNs } from '#lib/time.ts';
import { processStartTime } from '#linux/processes.ts';
import { type ExitRecord, LOST_EXIT_CODE, readExitRecord } from '#runtime/exit-record.ts';
import { connectMonitor, type MonitorControl, RuntimeStartError } from '#runtime/monitor.ts';
import type { MonitorState } from '#runtime/monitor-wire.ts';
import { clearUnknown } from './check/clear-unknown.ts';
import { alignEndpoints, ownNames, portWishes } from './endpoints.ts';
import type { Engine } from './engine.ts';
import { refreshHosts } from './etc-hosts.ts';
import { restoreExecs } from './exec/restore.ts';
import { recallHealth } from './health/keep.ts';
import { watchHealth } from './health/watch.ts';
import { markRefused, takeOverLaunch } from './launch/launch.ts';
import { readSandbox } from './launch/launch-network.ts';
import { releaseMounts, releaseRun, runOf } from './launch/release-run.ts';
import { type Exit, recordExit, superviseRun } from './launch/supervise.ts';
import { linkedPorts } from './links.ts';
import { restorePaused } from './pause.ts';
import { finishRemoval, removeContainer } from './remove.ts';
import { resumeRestarts } from './start-with-daemon.ts';
import { restoreLimits } from './update.ts';

/** What was found of a container's last run. */
type Finding =
  | { kind: 'running'; monitor: MonitorControl | undefined; state?: MonitorState }
  /** The runtime is at work, or has just failed. */
  | { kind: 'starting'; monitor: MonitorControl }
  | { kind: 'ended'; exit: Exit; startedAt: bigint }
  /** The runtime could not start it, and no engine was there to hear why. */
  | { kind: 'refused'; error: RuntimeStartError }
  | { kind: 'none' };

/**
 * Brings the engine's state in line with what happened while it was away: containers that run are watched again, ends
 * that nobody saw are recorded, half-done starts and removals are undone or finished. `ps` is right when it resolves.
 */
export async function restoreContainers(engine: Engine): Promise<void> {
  if (engine.readOnly) return showContainers(engine);
  const { unfinishedRemovals } = await engine.containers.load();
  await clearUnknown(engine, new Set(unfinishedRemovals.map(({ id }) => id)));
  const findings = await Promise.all([...engine.containers].map(async (c) => [c, await find(engine, c)] as const));
  const running = findings.filter(([, { kind }]) => kind === 'running' || kind === 'starting');
  for (const [container, finding] of running) await adopt(engine, container, finding);
  await Promise.all(running.map(([container]) => restoreExecs(engine, container)));
  await engine.volumes.restore(
    findings.map(([{ id, record }, { kind }]) => ({
      containerId: id,
      mountPoints: record.mountPoints,
      running: kind === 'running' || kind === 'starting',
    })),
  );
  await engine.networks.reconcile(
    running.flatMap(([{ id, name, record }]) =>
      record.sandbox
        ? [{ containerId: id, name, sandbox: record.sandbox, ports: portWishes(record), names: ownNames(record) }]
        : [],
    ),
    linkedPorts(engine),
  );
  const userDefined = engine.networks.list().map(({ Name }) => Name);
  void engine.background.run('bringing hosts files up to date', () => refreshHosts(engine, userDefined));
  const settled = ([container, finding]: (typeof findings)[number]) =>
    engine.background.run(`restoring ${container.id}`, () => settle(engine, container, finding));
  await Promise.all(findings.map(settled));
  await resumeRestarts(engine);
  void engine.background.run('sweeping what an earlier engine left', async () => {
    await Promise.all(unfinishedRemovals.map((leftovers) => finishForeignRemoval(engine, leftovers)));
    await engine.graph.sweep();
  });
}

/** A store that cannot be trusted: what has happened is shown, but nothing is recorded, taken over or cleared. */
async function showContainers(engine: Engine): Promise<void> {
  await engine.containers.load();
  for (const container of engine.containers) {
    const finding = await find(engine, container);
    if (finding.kind === 'running') await adopt(engine, container, finding);
    if (finding.kind !== 'ended') continue;
    const { code, oom, finishedAt, lost } = finding.exit;
    container.setState({
      status: 'exited',
      paused: false,
      pid: 0,
      exitCode: code,
      oomKilled: oom,
      finishedAt,
      error: lost ?? '',
    });
  }
  const users = [...engine.containers].map(({ id, record }) => ({ containerId: id, mountPoints: record.mountPoints }));
  await engine.volumes.restore(users);
}

/** Of a removal by an earlier engine, which may have died before the last run was taken down. */
function finishForeignRemoval(engine: Engine, leftovers: Leftovers): Promise<void> {
  return engine.background.run(`removing the files of ${leftovers.id}`, async () => {
    if (existsSync(engine.paths.container(leftovers.id).runFolder)) {
      await releaseRun(engine, leftovers, Promise.resolve({ cleaned: false }));
    }
    await finishRemoval(engine, leftovers);
  });
}

async function find(engine: Engine, container: Container): Promise<Finding> {
  const paths = engine.paths.container(container.id);
  const monitor = await connect(paths.socket);
  if (monitor) {
    const state = await monitor.state();
    if (state.pid > 0) return { kind: 'running', monitor, state };
    if (state.phase !== 'waiting') return { kind: 'starting', monitor };
    monitor.close();
  }
  const exit = await readExitRecord(paths.exitRecord);
  if (exit && !alreadyRecorded(container, exit)) return { kind: 'ended', exit, startedAt: exit.startedAt };
  if (!container.active) {
    const log = exit ? '' : await readFile(paths.runtimeLog, 'utf8').catch(() => '');
    return log === ''
      ? { kind: 'none' }
      : { kind: 'refused', error: new RuntimeStartError({ status: 0, log, stderr: '' }) };
  }
  if (!container.running) return { kind: 'none' };
  const { state } = container;
  const alive = state.bootId === engine.bootId && (await processStartTime(state.pid)) === state.processStartTime;
  if (alive) return { kind: 'running', monitor: undefined };
  const lost =
    state.bootId === engine.bootId
      ? 'it ended while neither the engine nor its monitor ran'
      : 'the machine was restarted while it ran';
  const end = { code: LOST_EXIT_CODE, oom: false, finishedAt: nowNs(), lost };
  return { kind: 'ended', exit: end, startedAt: state.startedAt };
}

async function connect(socket: string): Promise<MonitorControl | undefined> {
  try {
    return await connectMonitor(socket);
  } catch (error) {
    if (isEngineError(error) && error.code === 'MONITOR_GONE') return undefined;
    throw error;
  }
}

/** The record of an exit that the database knows about already. */
function alreadyRecorded({ state }: Container, exit: ExitRecord): boolean {
  return state.status !== 'running' && state.startedAt === exit.startedAt;
}

/** In memory first, so that the networks keep what running containers have. */
async function adopt(engine: Engine, container: Container, finding: Finding): Promise<void> {
  container.setSandbox(await readSandbox(engine, container));
  alignEndpoints(container.record);
  if (finding.kind !== 'running') return;
  container.monitor = finding.monitor;
  const { state } = finding;
  if (!state) return;
  const { pid, processStartTime: startTime, startedAt } = state;
  container.setState({
    status: 'running',
    pid,
    processStartTime: startTime,
    startedAt,
    bootId: engine.bootId,
    error: '',
  });
}

async function settle(engine: Engine, container: Container, finding: Finding): Promise<void> {
  await recallHealth(engine, container);
  if (finding.kind === 'running') {
    await restorePaused(engine, container);
    watchHealth(engine, container);
    await restoreLimits(engine, container);
    superviseRun(engine, container);
    return engine.containers.save(container);
  }
  if (finding.kind === 'starting') {
    void engine.background.run(`starting ${container.id}`, () => finishStart(engine, container, finding.monitor));
    return;
  }
  const monitorGone = Promise.resolve({ cleaned: false });
  if (finding.kind === 'ended') {
    container.setState({ startedAt: finding.startedAt });
    return recordExit(engine, container, finding.exit, monitorGone);
  }
  if (finding.kind === 'refused') {
    markRefused(container, finding.error);
    await engine.containers.save(container);
  }
  const interrupted = hasRunFolder(engine, container);
  if (!interrupted) {
    await releaseMounts(engine, runOf(container.record));
  } else {
    container.cleanup = engine.background.run(`cleaning up after ${container.id}`, () =>
      releaseRun(engine, runOf(container.record), monitorGone),
    );
  }
  const ended = interrupted || container.state.status === 'exited';
  if (container.record.hostConfig.AutoRemove && ended) await removeContainer(engine, container, { volumes: true });
}

/** Nobody waits for the outcome any more: it is in the container's state. */
async function finishStart(engine: Engine, container: Container, monitor: MonitorControl): Promise<void> {
  await container.lock.run(async () => {
    try {
      await takeOverLaunch(engine, container, monitor);
    } catch (error) {
      engine.log.warn('a container could not be started', { container: container.id, error: describe(error) });
      if (container.record.hostConfig.AutoRemove) await removeContainer(engine, container, { volumes: true });
    }
  });
}

/** A start or a clean-up was interrupted. */
function hasRunFolder(engine: Engine, container: Container): boolean {
  return existsSync(engine.paths.container(container.id).runFolder);
}
