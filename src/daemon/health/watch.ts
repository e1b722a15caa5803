import { setTimeout as sleep } from 'node:timers/promises';
import type { Container } from '#container/container.ts';
import { eventAttributes } from '#container/description.ts';
import {
  type HealthCheck,
  healthCheckOf,
  judge,
  startingHealth,
  untilNextCheck,
  unwatchedHealth,
} from '#container/health.ts';
import { nowNs } from '#lib/time.ts';
import { MAX_TIMEOUT } from '#lib/timers.ts';
import type { Engine } from '../engine.ts';
import { keepHealth } from './keep.ts';
import { probe } from './probe.ts';

/** A container has just been started: nothing is known of its health, and from now on it is looked after. */
export function beginHealth(engine: Engine, container: Container): void {
  const { config } = container.record;
  const kind = config.Healthcheck?.Test?.[0];
  container.setHealth(healthCheckOf(config) && startingHealth(container.state.health));
  if (kind !== undefined && !['NONE', 'CMD', 'CMD-SHELL'].includes(kind)) {
    engine.log.warn('a container has an unknown kind of health check, which is not run', {
      container: container.id,
      kind,
    });
  }
  watchHealth(engine, container);
}

/** Looks after a running container from now on, unless it is paused or has no health check. */
export function watchHealth(engine: Engine, container: Container): void {
  const check = healthCheckOf(container.record.config);
  if (!check || container.state.paused) return;
  container.healthWatch?.abort();
  const watch = new AbortController();
  container.healthWatch = watch;
  engine.background.detached(`checking the health of ${container.id}`, () =>
    watchUntil(engine, container, check, watch.signal),
  );
}

/** The container has ended, or been paused: a look that is under way does not count any more. */
export function endHealth(container: Container): void {
  container.healthWatch?.abort();
  container.healthWatch = undefined;
  if (container.state.health) container.setHealth(unwatchedHealth(container.state.health));
}

async function watchUntil(
  engine: Engine,
  container: Container,
  check: HealthCheck,
  signal: AbortSignal,
): Promise<void> {
  while (await waitForNext(container, check, signal)) {
    const result = await probe(engine, container, check, signal);
    if (signal.aborted || !container.state.health) return;
    const before = container.state.health.Status;
    const health = judge(container.state.health, result, check, container.state.startedAt);
    container.setHealth(health);
    if (health.Status !== before) {
      engine.events.publish('container', `health_status: ${health.Status}`, container.id, eventAttributes(container));
    }
    await keepHealth(engine, container);
  }
}

/** False when it has been aborted. */
async function waitForNext(container: Container, check: HealthCheck, signal: AbortSignal): Promise<boolean> {
  const { health, startedAt } = container.state;
  if (!health || signal.aborted) return false;
  const milliseconds = Number(untilNextCheck(health, check, startedAt, nowNs()) / 1_000_000n);
  return sleep(Math.min(milliseconds, MAX_TIMEOUT), true, { signal, ref: false }).catch(() => false);
}
