import type { Container } from '#container/container.ts';
import { startsWithDaemon } from '#container/restart-policy.ts';
import { findContainer } from '#container/store.ts';
import { Mutex } from '#lib/locks.ts';
import { fault } from '#lib/write-steps.ts';
import { processStartTime } from '#linux/processes.ts';
import type { Engine } from './engine.ts';
import { startAgain } from './launch/auto-restart.ts';
import { restartDue, scheduleRestart } from './launch/pending-restart.ts';
import { removeContainer } from './remove.ts';

/** How many containers are started at a time. */
const LANES = 8;

/**
 * Goes on with what restart policies want. A daemon that has just been started (not merely its engine, once more) begins
 * anew: it starts what is to run, at once, and removes what was to vanish and never ran. Which daemon has done so is
 * written down after the containers it concerns, so that an engine that is killed meanwhile leaves nobody out.
 */
export async function resumeRestarts(engine: Engine): Promise<void> {
  const daemon = `${engine.bootId} ${process.ppid} ${await processStartTime(process.ppid)}`;
  const [last] = await engine.database.read<{ value: string }>("SELECT value FROM kv WHERE key = 'daemon'");
  if (last?.value !== daemon) {
    await Promise.all([...engine.containers].map((container) => beginAnew(engine, container)));
    fault('container.restart.wanted');
    const sql = "INSERT OR REPLACE INTO kv (key, value) VALUES ('daemon', ?)";
    await engine.database.write([{ sql, params: [daemon] }]);
  }
  const waiting = [...engine.containers].filter(({ restarting }) => restarting);
  const due = waiting.filter((container) => restartDue(container) === 0);
  for (const container of waiting) if (!due.includes(container)) scheduleRestart(engine, container);
  engine.background.detached('starting containers', () => startInOrder(engine, due));
}

async function beginAnew(engine: Engine, container: Container): Promise<void> {
  const { record, running, restarting, state } = container;
  if (running || container.lock.busy) return;
  if (restarting || startsWithDaemon(record)) {
    container.setRestarts(0);
    container.setState({ status: 'restarting' });
    await engine.containers.save(container);
  } else if (record.hostConfig.AutoRemove && state.status === 'created') {
    await removeContainer(engine, container, { volumes: true });
  }
}

/** Each after those whose address or namespaces it needs. Who waits, waits for earlier ones only: none wait for each other. */
async function startInOrder(engine: Engine, containers: Container[]): Promise<void> {
  const lanes = Array.from({ length: LANES }, () => new Mutex());
  const started = new Map<Container, Promise<void>>();
  for (const [index, container] of inOrder(engine, containers).entries()) {
    const earlier = needsOf(engine, container).map((needed) => started.get(needed));
    const start = lanes[index % LANES]!.run(async () => {
      await Promise.all(earlier);
      await startAgain(engine, container);
    });
    started.set(container, start);
  }
  await Promise.all(started.values());
}

function inOrder(engine: Engine, containers: Container[]): Container[] {
  const ordered = new Set<Container>();
  const visited = new Set<Container>();
  const visit = (container: Container) => {
    if (visited.has(container)) return;
    visited.add(container);
    for (const needed of needsOf(engine, container)) visit(needed);
    if (containers.includes(container)) ordered.add(container);
  };
  for (const container of containers) visit(container);
  return [...ordered];
}

/** Whom it is linked to, and whose namespaces it shares. */
function needsOf({ containers }: Engine, { record: { hostConfig } }: Container): Container[] {
  const { Links, NetworkMode, IpcMode, PidMode } = hostConfig;
  const links = (Links ?? []).map((link) => link.split(':')[0]!);
  const partners = [NetworkMode, IpcMode, PidMode].flatMap((mode) => /^container:(.+)$/.exec(mode)?.[1] ?? []);
  return [...links, ...partners].flatMap((name) => findContainer(containers, name) ?? []);
}
