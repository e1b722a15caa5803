import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseBytes } from './release-bytes.ts';

test('bytes that have a buffer of their own are gone, those that share one stay', () => {
  const own = Buffer.allocUnsafeSlow(1 << 16);
  releaseBytes(own);
  assert.equal(own.length, 0);
  assert.equal(own.buffer.byteLength, 0);

  const shared = Buffer.from('shared with a neighbour');
  releaseBytes(shared.subarray(0, 6));
  assert.equal(shared.toString(), 'shared with a neighbour');

  const between = Buffer.from(new SharedArrayBuffer(16));
  releaseBytes(between);
  assert.equal(between.length, 16);
});
