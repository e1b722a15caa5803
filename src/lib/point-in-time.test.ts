import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePointInTime } from './point-in-time.ts';

const now = 1_700_000_000_000_000_000n;
const localNs = (text: string) => BigInt(new Date(text).getTime()) * 1_000_000n;

const cases: [string, bigint | undefined][] = [
  ['0', 0n],
  ['1136073600.000000001', 1_136_073_600_000_000_001n],
  ['2006-01-02T15:04:05.123456789Z', 1_136_214_245_123_456_789n],
  ['2006-01-02T15:04:05', localNs('2006-01-02T15:04:05')],
  ['2006-01-02T15', localNs('2006-01-02T15:00:00')],
  ['2006-01-02', localNs('2006-01-02T00:00:00')],
  ['24h', now - 86_400_000_000_000n],
  ['1h30m', now - 5_400_000_000_000n],
  ['1.5s', now - 1_500_000_000n],
  ['yesterday', undefined],
  ['24', 24_000_000_000n],
  ['2006-13-45', undefined],
  ['', undefined],
];

for (const [text, expected] of cases) {
  test(`'${text}' is ${expected}`, () => assert.equal(parsePointInTime(text, now), expected));
}
