import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { globToRegExp } from './glob.ts';

/** Pattern, text, whether it matches: as Go's path.Match says. */
const cases: [string, string, boolean][] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'ab/c', false],
  ['a*/c', 'ab/c', true],
  ['a?c', 'a/c', false],
  ['a.c', 'abc', false],
  ['a[b-d]e', 'ace', true],
  ['a[^b-d]e', 'ace', false],
  ['a[^b-d]e', 'aée', true],
  ['a\\*b', 'a*b', true],
  ['[\\]a]', ']', true],
  ['[x\\-]', '-', true],
  ['', '', true],
  ['*:latest', 'x:latest', true],
  ['my-app_*', 'my-app_1', true],
];

for (const [pattern, text, expected] of cases) {
  test(`'${pattern}' ${expected ? 'matches' : 'does not match'} '${text}'`, () =>
    assert.equal(globToRegExp(pattern).test(text), expected));
}

for (const pattern of ['[', '[]a]', '[a', '[-]', '[x-]', '[z-a]', 'a\\']) {
  test(`'${pattern}' is refused`, () =>
    assert.throws(
      () => globToRegExp(pattern),
      (error) => isEngineError(error, 'invalid'),
    ));
}

test('any text makes a regular expression or is refused as invalid', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'a-[]^\\*?./{}()|$+é😀') }), (pattern) => {
      try {
        globToRegExp(pattern);
      } catch (error) {
        if (!isEngineError(error, 'invalid')) throw error;
      }
    }),
  );
});
