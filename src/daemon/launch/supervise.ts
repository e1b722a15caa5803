import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { restartDelay } from '#container/restart-policy.ts';
import { isEngineError } from '#errors/errors.ts';
import { nowNs } from '#lib/time.ts';
import { fault } from '#lib/write-steps.ts';
import { killCgroup } from '#linux/cgroup-control.ts';
import { type ExitRecord, LOST_EXIT_CODE, readExitRecord } from '#runtime/exit-record.ts';
import type { Engine } from '../engine.ts';
import { endHealth } from '../health/watch.ts';
import { removeContainer } from '../remove.ts';
import { tellVolumes } from '../volume-events.ts';
import { detachNetwork } from './launch-network.ts';
import { cgroupPath } from './launch-spec.ts';
import { scheduleRestart } from './pending-restart.ts';
import { releaseRun, runOf } from './release-run.ts';

/** Waits, without anybody waiting for it, for the end of a container that has just been found or made running. */
export function superviseRun(engine: Engine, container: Container): void {
  const { monitor } = container;
  const ended = monitor
    ? monitor.exited.catch(() => afterLostMonitor(engine, container))
    : afterLostMonitor(engine, container);
  engine.background.detached(`supervising ${container.id}`, async () => {
    const exit = await ended;
    await recordExit(engine, container, exit, monitor ? monitor.gone : Promise.resolve({ cleaned: false }));
    scheduleRestart(engine, container);
  });
}

/** What is known about an end; `lost` says why the code is not the process's own. */
export type Exit = Pick<ExitRecord, 'code' | 'oom' | 'finishedAt'> & { lost?: string };

/**
 * The monitor was killed. The process may live on without log and terminal: its end is watched by the kernel's own
 * means, and what then remains in its cgroup is killed.
 */
async function afterLostMonitor(engine: Engine, container: Container): Promise<Exit> {
  const { state } = container;
  const recorded = await readExitRecord(engine.paths.container(container.id).exitRecord);
  if (recorded && recorded.startedAt === state.startedAt) return recorded;
  container.monitor = undefined;
  container.setState({ error: 'its monitor was killed: output and attached clients from then on are lost' });
  await engine.containers.save(container);
  engine.log.warn('the monitor of a container is gone', { container: container.id, pid: state.pid });
  const lost = 'its monitor was killed while it ran';
  try {
    const { code, signal } = await engine.launcher.watchPid(state.pid, state.processStartTime);
    const known = signal ? 128 + signal : code;
    return { code: known ?? LOST_EXIT_CODE, oom: false, finishedAt: nowNs(), ...(known === undefined && { lost }) };
  } catch (error) {
    if (!isEngineError(error) || error.code !== 'ESRCH') throw error;
    return { code: LOST_EXIT_CODE, oom: false, finishedAt: nowNs(), lost };
  } finally {
    await killCgroup(engine.cgroups, cgroupPath(engine, container));
  }
}

/** The container has exited: state, events, waiters at once; the clean-up and the database after them. */
export async function recordExit(
  engine: Engine,
  container: Container,
  exit: Exit,
  monitorGone: Promise<{ cleaned: boolean }>,
): Promise<void> {
  const { record, state } = container;
  const ranFor = state.startedAt > 0n ? exit.finishedAt - state.startedAt : 0n;
  const delay = restartDelay(record, exit.code, ranFor);
  if (delay !== undefined) container.setRestarts(record.restartCount + 1, delay);
  container.monitor = undefined;
  endHealth(container);
  engine.execs.forgetUnstarted(container);
  container.setState({
    status: delay === undefined ? 'exited' : 'restarting',
    paused: false,
    pid: 0,
    processStartTime: '',
    exitCode: exit.code,
    oomKilled: exit.oom || container.oomKills > 0,
    finishedAt: exit.finishedAt,
    error: exit.lost ?? '',
  });
  if (exit.oom && container.oomKills === 0)
    engine.events.publish('container', 'oom', record.id, eventAttributes(container));
  container.oomKills = 0;
  detachNetwork(engine, container);
  tellVolumes(engine, container, 'unmount');
  const details = { exitCode: String(exit.code), execDuration: String(ranFor / 1_000_000_000n) };
  engine.events.publish('container', 'die', record.id, eventAttributes(container, details));
  container.cleanup = engine.background.run(`cleaning up after ${record.id}`, () =>
    releaseRun(engine, runOf(record), monitorGone),
  );
  if (record.hostConfig.AutoRemove && !container.beingRestarted) {
    container.announceExit();
    await removeContainer(engine, container, { volumes: true });
  } else {
    const saved = engine.containers.save(container);
    container.announceExit();
    await saved;
    fault('container.exit.saved');
  }
}
