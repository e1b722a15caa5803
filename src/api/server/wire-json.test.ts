import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotAnInteger, parseJson, toJson } from './wire-json.ts';

test('integers keep their digits both ways', () => {
  const text = '{"a":9223372036854771712,"b":[-9223372036854775808,1],"c":"9223372036854771712"}';
  assert.equal(toJson(parseJson(text)), text);
  assert.ok(Object.is(parseJson('-0'), 0));
  assert.ok(parseJson('1.0') instanceof NotAnInteger);
});

test('what is not JSON is refused as invalid, however deep it is', () => {
  for (const text of ['', '{', '{"a":}', 'nul', '{}x', '['.repeat(200_000)])
    assert.throws(() => parseJson(text), { kind: 'invalid', message: /^invalid JSON: / }, text.slice(0, 10));
  assert.throws(() => parseJson('['.repeat(200_000) + ']'.repeat(200_000)), { kind: 'invalid' });
});

test('a frozen object is serialised once, another one each time', () => {
  let count = 0;
  const row = { toJSON: () => ++count };
  assert.equal(toJson([row, row]), '[1,2]');
  Object.freeze(row);
  assert.equal(toJson([row, row]), '[3,3]');
  assert.equal(toJson(row), '3');
  assert.equal(toJson([]), '[]');
  assert.equal(toJson(null), 'null');
});
