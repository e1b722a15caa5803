import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSize } from './size.ts';

test('sizes are numbers with a unit of powers of 1024', () => {
  const sizes: Record<string, number> = {
    '0': 0,
    '512': 512,
    '64m': 2 ** 26,
    '1.5g': 1.5 * 2 ** 30,
    '10 MiB': 10 * 2 ** 20,
    '2KB': 2048,
    '3b': 3,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseSize(text), bytes, text);
});

test('what is not a size is none', () => {
  for (const text of ['', 'm', '-1', '1x', '1,5g', '1e3', '9999999999p'])
    assert.equal(parseSize(text), undefined, text);
});
