import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Health, HealthcheckResult } from '#api/types/container.ts';
import { type Config, EMPTY_CONFIG } from '#api/types/container-config.ts';
import { formatTime } from '#lib/time.ts';
import { healthCheckOf, judge, startingHealth, untilNextCheck } from './health.ts';

const SECOND = 1_000_000_000n;
const START = 1_000n * SECOND;

const check = (Healthcheck: Config['Healthcheck']) => healthCheckOf({ ...EMPTY_CONFIG, Healthcheck });
const result = (second: number, ExitCode: number): HealthcheckResult => {
  const at = formatTime(START + BigInt(second) * SECOND);
  return { Start: at, End: at, ExitCode, Output: '' };
};
/** The status after each result, one a second. */
function course(codes: number[], healthcheck: Config['Healthcheck']): Health[] {
  const one = check({ Test: ['CMD', 'x'], ...healthcheck })!;
  let health = startingHealth(undefined);
  return codes.map((code, second) => (health = judge(health, result(second, code), one, START)));
}

test('the defaults are dockerd’s', () => {
  const defaults = {
    interval: 30n * SECOND,
    timeout: 30n * SECOND,
    startPeriod: 0n,
    startInterval: 5n * SECOND,
    retries: 3,
  };
  assert.deepEqual(check({ Test: ['CMD', 'a', 'b'] }), { command: ['a', 'b'], ...defaults });
  assert.deepEqual(check({ Test: ['CMD-SHELL', 'a b'], Retries: 0 })!.command, ['/bin/sh', '-c', 'a b']);
  for (const Test of [undefined, [], ['NONE'], ['OTHER', 'x']]) assert.equal(check({ Test }), undefined);
});

test('failures in a row, and a success between them', () => {
  const statuses = course([1, 1, 0, 1, 1, 1, 1], {}).map(({ Status, FailingStreak }) => `${Status} ${FailingStreak}`);
  assert.deepEqual(statuses, [
    'starting 1',
    'starting 2',
    'healthy 0',
    'healthy 1',
    'healthy 2',
    'unhealthy 3',
    'unhealthy 4',
  ]);
});

test('failures in the start period do not count until there was a success', () => {
  const patient = { StartPeriod: 3n * SECOND, Retries: 1 };
  assert.deepEqual(
    course([1, 1, 1, 1], patient).map(({ Status }) => Status),
    ['starting', 'starting', 'starting', 'unhealthy'],
  );
  assert.deepEqual(
    course([0, 1], patient).map(({ Status }) => Status),
    ['healthy', 'unhealthy'],
  );
});

test('the last five results are kept', () => {
  const log = course([1, 2, 3, 4, 5, 6, 7], {}).at(-1)!.Log!;
  assert.deepEqual(
    log.map(({ ExitCode }) => ExitCode),
    [3, 4, 5, 6, 7],
  );
});

test('the next look counts from the end of the last, or from the start', () => {
  const one = check({
    Test: ['CMD', 'x'],
    Interval: 10n * SECOND,
    StartPeriod: 60n * SECOND,
    StartInterval: 2n * SECOND,
  })!;
  const fresh = startingHealth({ Status: 'unhealthy', FailingStreak: 9, Log: [result(-500, 1)] });
  assert.equal(untilNextCheck(fresh, one, START, START), 2n * SECOND);
  assert.equal(untilNextCheck(fresh, one, START, START + 61n * SECOND), 0n);
  const well: Health = { Status: 'healthy', FailingStreak: 0, Log: [result(4, 0)] };
  assert.equal(untilNextCheck(well, one, START, START + 5n * SECOND), 9n * SECOND);
  assert.equal(untilNextCheck(well, one, START, START + 100n * SECOND), 0n);
});
