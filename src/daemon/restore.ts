import { existsSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '#container/container.ts';
import { errnoCode, isEngineError } from '#errors/errors.ts';
import { nowNs } from '#lib/time.ts';
import { type ExitRecord, readExitRecord } from '#runtime/exit-record.ts';
import { connectMonitor, type MonitorControl } from '#runtime/monitor.ts';
import type { MonitorState } from '#runtime/monitor-wire.ts';
import type { Engine } from './engine.ts';
import { processStartTime } from './kill.ts';
import { releaseRun } from './release-run.ts';
import { finishRemoval, removeContainer, removeLeftovers } from './remove.ts';
import { type Exit, LOST_EXIT_CODE, recordExit, superviseRun } from './supervise.ts';

/** What was found of a container's last run. */
type Finding =
  | { kind: 'running'; monitor: MonitorControl | undefined; state?: MonitorState }
  | { kind: 'ended'; exit: Exit; startedAt: bigint }
  | { kind: 'none' };

/**
 * Brings the engine's state in line with what happened while it was away: containers that run are watched again, ends
 * that nobody saw are recorded, half-done starts and removals are undone or finished. `ps` is right when it resolves.
 */
export async function restoreContainers(engine: Engine): Promise<void> {
  const { unfinishedRemovals } = await engine.containers.load();
  await clearUnknown(engine, new Set(unfinishedRemovals.map(({ id }) => id)));
  const findings = await Promise.all([...engine.containers].map(async (c) => [c, await find(engine, c)] as const));
  const running = findings.filter(([, finding]) => finding.kind === 'running');
  for (const [container, finding] of running) adopt(engine, container, finding);
  await engine.volumes.restore(
    findings.map(([{ id, record }, { kind }]) => ({
      containerId: id,
      mountPoints: record.mountPoints,
      running: kind === 'running',
    })),
  );
  await engine.networks.reconcile(
    running.flatMap(([{ id, name, record }]) =>
      record.sandbox ? [{ containerId: id, name, sandbox: record.sandbox }] : [],
    ),
  );
  await Promise.all(findings.map(([container, finding]) => settle(engine, container, finding)));
  void engine.background.run('sweeping what an earlier engine left', async () => {
    for (const leftovers of unfinishedRemovals) await finishRemoval(engine, leftovers);
    await engine.graph.sweep();
  });
}

async function find(engine: Engine, container: Container): Promise<Finding> {
  const paths = engine.paths.container(container.id);
  const monitor = await connect(paths.socket);
  if (monitor) {
    const state = await monitor.state();
    if (state.phase !== 'waiting') return { kind: 'running', monitor, state };
    monitor.close();
  }
  const exit = await readExitRecord(paths.exitRecord);
  if (exit && !alreadyRecorded(container, exit)) return { kind: 'ended', exit, startedAt: exit.startedAt };
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
function adopt(engine: Engine, container: Container, finding: Finding): void {
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
  if (finding.kind === 'running') {
    superviseRun(engine, container);
    return engine.containers.save(container);
  }
  const monitorGone = Promise.resolve({ cleaned: false });
  if (finding.kind === 'ended') {
    container.setState({ startedAt: finding.startedAt });
    return recordExit(engine, container, finding.exit, monitorGone);
  }
  if (container.record.hostConfig.AutoRemove && container.state.status === 'exited') {
    return removeContainer(engine, container, { volumes: true });
  }
  if (!(await hasRunFolder(engine, container))) return;
  container.cleanup = engine.background.run(`cleaning up after ${container.id}`, () =>
    releaseRun(engine, container, monitorGone),
  );
}

/** A start or a clean-up was interrupted. */
async function hasRunFolder(engine: Engine, container: Container): Promise<boolean> {
  return (await namesIn(engine.paths.runs)).includes(container.id);
}

/**
 * Files that no row names. A container's config is written before its row: without one it never existed and its files
 * go. With one they are put aside, and its writable layer is left: the database may be the one that is wrong.
 */
async function clearUnknown(engine: Engine, removed: ReadonlySet<string>): Promise<void> {
  const { containers, quarantine, runs } = engine.paths;
  const folders = new Set(await namesIn(containers));
  const found = new Set([...folders, ...(await namesIn(runs)), ...(await engine.driver.listReadWrite())]);
  for (const id of found) {
    if (engine.containers.has(id) || removed.has(id)) continue;
    const { config, folder } = engine.paths.container(id);
    if (existsSync(config)) {
      await mkdir(quarantine, { recursive: true, mode: 0o700 });
      await rename(folder, join(quarantine, `container-${id}`));
      engine.log.warn('the files of an unknown container were put aside', { container: id, folder: quarantine });
    } else if (folders.has(id) || !(await isQuarantined(quarantine, id))) {
      await removeLeftovers(engine, { id, chain: [], anonymousVolumes: [] });
    }
  }
}

async function isQuarantined(quarantine: string, id: string): Promise<boolean> {
  return (await namesIn(quarantine)).includes(`container-${id}`);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [];
    throw error;
  }
}
