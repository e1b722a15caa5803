import type { Health, HealthcheckResult } from '#api/types/container.ts';
import type { Config } from '#api/types/container-config.ts';
import { parseTime } from '#lib/time.ts';

/** How a container's health is found out. Durations in ns. */
export interface HealthCheck {
  /** Run in the container; its exit code 0 means healthy. */
  command: string[];
  interval: bigint;
  timeout: bigint;
  startPeriod: bigint;
  startInterval: bigint;
  /** So many failures in a row make it unhealthy. */
  retries: number;
}

const SECOND = 1_000_000_000n;
const DEFAULT_SHELL = ['/bin/sh', '-c'];
const LOG_LENGTH = 5;

/** The check of a container with that configuration, with dockerd's defaults; undefined when it has none. */
export function healthCheckOf({ Healthcheck: config, Shell: shell }: Config): HealthCheck | undefined {
  const [kind, ...words] = config?.Test ?? [];
  if (!config || (kind !== 'CMD' && kind !== 'CMD-SHELL')) return undefined;
  return {
    command: kind === 'CMD' ? words : [...(shell?.length ? shell : DEFAULT_SHELL), ...words],
    interval: BigInt(config.Interval || 30n * SECOND),
    timeout: BigInt(config.Timeout || 30n * SECOND),
    startPeriod: BigInt(config.StartPeriod || 0),
    startInterval: BigInt(config.StartInterval || 5n * SECOND),
    retries: config.Retries || 3,
  };
}

/** Of a container that has just been started; what was found in its runs before stays readable. */
export function startingHealth(before: Health | undefined): Health {
  return { Status: 'starting', FailingStreak: 0, Log: before?.Log ?? [] };
}

/** Of a container that nobody looks after any more: it has ended, or is paused. dockerd calls it that. */
export function unwatchedHealth(health: Health): Health {
  return { ...health, Status: 'unhealthy' };
}

/** What a result makes of the health of a container that was started at `startedAt` (ns). */
export function judge(health: Health, result: HealthcheckResult, check: HealthCheck, startedAt: bigint): Health {
  const Log = [...(health.Log ?? []), result].slice(-LOG_LENGTH);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  const begun = parseTime(result.Start) ?? 0n;
  if (health.Status === 'starting' && begun - startedAt < check.startPeriod) return { ...health, Log };
  const FailingStreak = health.FailingStreak + 1;
  return { Status: FailingStreak >= check.retries ? 'unhealthy' : health.Status, FailingStreak, Log };
}

/**
 * Nanoseconds from `now` until the next look at a container that was started at `startedAt`. The last one, also one of
 * an engine before this, counts from its end.
 */
export function untilNextCheck(health: Health, check: HealthCheck, startedAt: bigint, now: bigint): bigint {
  const starting = health.Status === 'starting' && now - startedAt < check.startPeriod;
  const lastEnd = parseTime(health.Log?.at(-1)?.End ?? '') ?? 0n;
  const since = lastEnd > startedAt ? lastEnd : startedAt;
  const due = since + (starting ? check.startInterval : check.interval);
  return due > now ? due - now : 0n;
}
