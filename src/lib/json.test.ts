import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExact, stringifyExact } from './json.ts';

test('64-bit integers keep their digits both ways', () => {
  const text = '{"big":9223372036854771712,"small":5,"half":0.5,"list":[-9223372036854775808],"exp":1e30,"text":"7"}';
  const value = parseExact(text) as { big: bigint; small: number; half: number; exp: number };
  assert.equal(value.big, 9223372036854771712n);
  assert.equal(value.small, 5);
  assert.equal(value.half, 0.5);
  assert.equal(value.exp, 1e30);
  assert.equal(stringifyExact(value), text.replace('1e30', '1e+30'));
});
