import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { booleanFilter, checkFilterNames, matchesAny, matchesExactly, matchesLabels, parseFilters } from './filters.ts';

const entries = (text: string) => [...parseFilters(text)];

test('both forms of the wire are read', () => {
  assert.deepEqual(entries('{"label":["a=b","c"],"status":["exited"]}'), [
    ['label', ['a=b', 'c']],
    ['status', ['exited']],
  ]);
  assert.deepEqual(entries('{"label":{"a=b":true,"c":false}}'), [['label', ['a=b']]]);
});

test('nothing asked for is no filter', () => {
  for (const text of ['', 'null', '{}', '{"label":[]}', '{"label":null}', '{"label":{"a":false}}'])
    assert.equal(parseFilters(text).size, 0, text);
});

test('any other text is refused as invalid, whatever it is', () => {
  for (const text of ['x', '[]', '"a"', '3', '{"a":3}', '{"a":[1]}', '{"a":{"b":"c"}}', '{"a":"b"}'])
    assert.throws(() => parseFilters(text), { kind: 'invalid' }, text);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseFilters(text);
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'));
      }
    }),
  );
});

test('a filter named like a property of objects is a filter like any other', () => {
  assert.deepEqual(entries('{"__proto__":["a"]}'), [['__proto__', ['a']]]);
  assert.equal(matchesLabels(parseFilters('{"label":["constructor"]}'), 'label', {}), false);
});

test('unknown names are refused in the words clients know', () => {
  checkFilterNames(parseFilters('{"id":["1"]}'), new Set(['id']));
  assert.throws(() => checkFilterNames(parseFilters('{"x":["1"]}'), new Set(['id'])), {
    kind: 'invalid',
    message: "invalid filter 'x'",
  });
});

test('values are alternatives, labels are all needed', () => {
  const filters = parseFilters('{"status":["exited","dead"],"label":["a","b=c=d"]}');
  assert.ok(matchesExactly(filters, 'status', 'dead'));
  assert.ok(!matchesExactly(filters, 'status', 'running'));
  assert.ok(matchesExactly(filters, 'name', 'whatever'));
  assert.ok(matchesAny(filters, 'status', (wanted) => wanted.startsWith('ex')));
  assert.ok(matchesLabels(filters, 'label', { a: '', b: 'c=d' }));
  assert.ok(!matchesLabels(filters, 'label', { a: '', b: 'c' }));
  assert.ok(!matchesLabels(filters, 'label', { b: 'c=d' }));
  assert.ok(!matchesLabels(filters, 'label', null));
});

test('a boolean filter is one of the two', () => {
  assert.equal(booleanFilter(parseFilters('{"dangling":["1"]}'), 'dangling', false), true);
  assert.equal(booleanFilter(parseFilters('{"dangling":["false"]}'), 'dangling', true), false);
  assert.equal(booleanFilter(parseFilters(''), 'dangling', true), true);
  for (const values of ['["x"]', '["true","false"]'])
    assert.throws(() => booleanFilter(parseFilters(`{"dangling":${values}}`), 'dangling', false), {
      message: /^invalid filter 'dangling=\[/,
    });
});
