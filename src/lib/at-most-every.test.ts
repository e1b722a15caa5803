import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMostEvery } from './at-most-every.ts';

test('calls that come close behind one another are one', () => {
  let calls = 0;
  const hourly = atMostEvery(3_600_000, () => calls++);
  for (let i = 0; i < 5; i++) hourly();
  assert.equal(calls, 1);
  const always = atMostEvery(0, () => calls++);
  for (let i = 0; i < 5; i++) always();
  assert.equal(calls, 6);
});
