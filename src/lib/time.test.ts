import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTime, formatTimeFixed, nowNs, parseTime, parseUnixTime, ZERO_TIME } from './time.ts';

test('nanoseconds survive a round trip through text', () => {
  const ns = 1_763_900_000_123_456_789n;
  assert.equal(formatTime(ns), '2025-11-23T12:13:20.123456789Z');
  assert.equal(parseTime(formatTime(ns)), ns);
  assert.equal(formatTime(1_763_900_000_120_000_000n), '2025-11-23T12:13:20.12Z');
  assert.equal(formatTime(1_763_900_000_000_000_000n), '2025-11-23T12:13:20Z');
  assert.equal(formatTimeFixed(1_763_900_000_120_000_000n), '2025-11-23T12:13:20.120000000Z');
  assert.equal(formatTime(0n), ZERO_TIME);
  assert.equal(parseTime('2025-11-23T14:13:20+02:00'), 1_763_900_000_000_000_000n);
  assert.equal(parseTime('yesterday'), undefined);
  assert.equal(parseUnixTime('1763900000.5'), 1_763_900_000_500_000_000n);
  assert.equal(parseUnixTime('-1'), undefined);
});

test('nowNs never repeats itself', () => {
  const seen = new Set(Array.from({ length: 10_000 }, nowNs));
  assert.equal(seen.size, 10_000);
});
