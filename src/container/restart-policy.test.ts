import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartDelay, startsWithDaemon } from './restart-policy.ts';

type Policed = Parameters<typeof restartDelay>[0];

function record(
  policy: string,
  more: { max?: number; count?: number; delay?: number; stopped?: boolean; code?: number },
) {
  const { max = 0, count = 0, delay, stopped = false, code = 0 } = more;
  return {
    hostConfig: { RestartPolicy: { Name: policy, MaximumRetryCount: max } },
    state: { stoppedByUser: stopped, startedAt: 1n, exitCode: code },
    restartCount: count,
    restartDelay: delay,
  } as unknown as Policed;
}

test('the wait doubles from 100 ms to a minute, and begins anew after a run of ten seconds', () => {
  const waits: (number | undefined)[] = [];
  for (let delay: number | undefined; waits.length < 12; waits.push(delay)) {
    delay = restartDelay(record('always', { delay }), 0, 9_999_999_999n);
  }
  assert.deepEqual(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  assert.equal(restartDelay(record('always', { delay: 60_000 }), 0, 10_000_000_000n), 100);
});

test('who is started again after an exit', () => {
  const after = (policy: string, code: number, more = {}) => restartDelay(record(policy, more), code, 0n) !== undefined;
  assert.deepEqual([after('no', 1), after('', 1)], [false, false]);
  assert.deepEqual([after('always', 0), after('unless-stopped', 0), after('on-failure', 0)], [true, true, false]);
  assert.deepEqual([after('on-failure', 1, { count: 99 }), after('on-failure', 1, { max: 3, count: 2 })], [true, true]);
  assert.equal(after('on-failure', 1, { max: 3, count: 3 }), false);
  for (const policy of ['always', 'unless-stopped', 'on-failure']) assert.ok(!after(policy, 1, { stopped: true }));
});

test('who is started with the daemon', () => {
  const starts = (policy: string, more = {}) => startsWithDaemon(record(policy, more));
  assert.deepEqual([starts('always'), starts('always', { stopped: true })], [true, true]);
  assert.deepEqual([starts('unless-stopped'), starts('unless-stopped', { stopped: true })], [true, false]);
  assert.deepEqual([starts('on-failure'), starts('on-failure', { code: 255 })], [false, true]);
  const never = record('always', {});
  never.state.startedAt = 0n;
  assert.equal(startsWithDaemon(never), false);
});
