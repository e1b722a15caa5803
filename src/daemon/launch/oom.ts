import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { countOomKills, countOomKillsOfHost } from '#linux/cgroup-control.ts';
import type { Engine } from '../engine.ts';
import { cgroupPath } from './launch-spec.ts';

/** Milliseconds between two looks at the host's count. */
const INTERVAL = 1000;

/**
 * From now on a process that the kernel kills for want of memory is noticed, whichever process of a container it is. A
 * look reads one number, the host's: only when that has grown are the containers' own counts read.
 */
export function watchOom(engine: Engine): void {
  let known = -1;
  const look = async () => {
    const kills = await countOomKillsOfHost();
    if (kills === known) return;
    known = kills;
    await Promise.all(engine.containers.list().map((container) => noticeOom(engine, container)));
  };
  setInterval(() => void engine.background.run('looking for processes without memory', look), INTERVAL).unref();
}

/** Tells when processes of a running container were killed for want of memory; its state says so until the next start. */
export async function noticeOom(engine: Engine, container: Container): Promise<void> {
  if (!container.running) return;
  const { startedAt } = container.state;
  const kills = await countOomKills(engine.cgroups, cgroupPath(engine, container));
  if (!container.running || container.state.startedAt !== startedAt) return;
  const [known, toldBefore] = [container.oomKills, container.state.oomKilled];
  container.oomKills = kills;
  // An engine that has just come does not know how many of them the one before has told of.
  if (kills <= known || (known === 0 && toldBefore)) return;
  container.setState({ oomKilled: true });
  engine.events.publish('container', 'oom', container.id, eventAttributes(container));
  void engine.background.run(`saving ${container.id}`, () => engine.containers.save(container));
}
