import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration } from './duration.ts';

test('durations as Go writes them, and back', () => {
  const written: [bigint, string][] = [
    [0n, '0s'],
    [1n, '1ns'],
    [1500n, '1.5µs'],
    [300_000_000n, '300ms'],
    [1_500_000_000n, '1.5s'],
    [30_000_000_000n, '30s'],
    [60_000_000_000n, '1m0s'],
    [3_605_500_000_000n, '1h0m5.5s'],
    [-90_000_000_000n, '-1m30s'],
  ];
  for (const [ns, text] of written) {
    assert.equal(formatDuration(ns), text);
    assert.equal(parseDuration(text), ns);
  }
});
