import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { TruncIndex } from './truncindex.ts';

test('finds what only one id starts with', () => {
  const index = new TruncIndex(['abc1', 'abd2', 'f00']);
  assert.deepEqual(index.find('f'), { id: 'f00' });
  assert.deepEqual(index.find('abd'), { id: 'abd2' });
  assert.equal(index.find('ab'), 'ambiguous');
  assert.equal(index.find('x'), undefined);
  assert.equal(index.find(''), undefined);
  assert.equal(index.find('abc1x'), undefined);
});

test('a whole id is found although another one starts with it', () => {
  assert.deepEqual(new TruncIndex(['ab', 'abc']).find('ab'), { id: 'ab' });
});

test('behaves like a set searched from end to end', () => {
  const id = fc.string({ unit: fc.constantFrom('0', '1', 'a'), minLength: 1, maxLength: 5 });
  const change = fc.record({ id, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change), id, (changes, prefix) => {
      const index = new TruncIndex();
      const model = new Set<string>();
      for (const { id, remove } of changes) {
        if (remove) index.delete(id);
        else index.add(id);
        if (remove) model.delete(id);
        else model.add(id);
      }
      assert.equal(index.size, model.size);
      const matches = [...model].filter((candidate) => candidate.startsWith(prefix));
      const expected = model.has(prefix)
        ? { id: prefix }
        : matches.length > 1
          ? 'ambiguous'
          : matches[0] && { id: matches[0] };
      assert.deepEqual(index.find(prefix), expected);
    }),
  );
});
