import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import { countOomKills } from '#linux/cgroup-control.ts';
import type { Engine } from '../engine.ts';
import { cgroupPath } from './launch-spec.ts';

/**
 * A process of a running container was killed: tells when it was for want of memory, which the state then says until the
 * next start.
 */
export async function noticeOom(engine: Engine, container: Container): Promise<void> {
  const kills = await countOomKills(engine.cgroups, cgroupPath(engine, container));
  const [known, toldBefore] = [container.oomKills, container.state.oomKilled];
  container.oomKills = kills;
  // An engine that has just come does not know how many of them the one before has told of.
  if (kills <= known || (known === 0 && toldBefore) || !container.running) return;
  container.setState({ oomKilled: true });
  engine.events.publish('container', 'oom', container.id, eventAttributes(container));
  void engine.background.run(`saving ${container.id}`, () => engine.containers.save(container));
}
