import type { ContainerRecord } from './record.ts';

/** Milliseconds before the first restart, and the most that doubling them comes to; as dockerd. */
const FIRST_DELAY = 100;
const MAX_DELAY = 60_000;
/** A run of so many nanoseconds was sound: the next wait is the first one again. */
const SOUND_RUN = 10_000_000_000n;

type Policed = Pick<ContainerRecord, 'hostConfig' | 'state' | 'restartCount' | 'restartDelay'>;

/**
 * Milliseconds after which a container that has just exited is started again, `ranFor` being how many nanoseconds it
 * ran; undefined when it is not: by its policy, or because somebody stopped it.
 */
export function restartDelay(record: Policed, exitCode: number, ranFor: bigint): number | undefined {
  if (record.state.stoppedByUser || !isWanted(record, exitCode)) return undefined;
  const last = ranFor >= SOUND_RUN ? 0 : (record.restartDelay ?? 0);
  return last === 0 ? FIRST_DELAY : Math.min(last * 2, MAX_DELAY);
}

/**
 * Whether a container that does not run is started when the daemon starts: one that ran before and whose policy wants it,
 * which for `always` and `on-failure` counts more than that somebody stopped it; as dockerd.
 */
export function startsWithDaemon(record: Policed): boolean {
  const { state, hostConfig } = record;
  if (state.startedAt === 0n) return false;
  if (hostConfig.RestartPolicy.Name === 'unless-stopped' && state.stoppedByUser) return false;
  return isWanted(record, state.exitCode);
}

function isWanted({ hostConfig: { RestartPolicy }, restartCount }: Policed, exitCode: number): boolean {
  const { Name: policy, MaximumRetryCount: most } = RestartPolicy;
  if (policy === 'on-failure') return exitCode !== 0 && (most === 0 || restartCount < most);
  return policy === 'always' || policy === 'unless-stopped';
}
