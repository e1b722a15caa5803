import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { DEFAULT_DETACH_KEYS, detachFilter, parseDetachKeys } from './detach-keys.ts';

test('keys', () => {
  assert.deepEqual(parseDetachKeys(DEFAULT_DETACH_KEYS), [16, 17]);
  assert.deepEqual(parseDetachKeys('ctrl-@,a,ctrl-[,ctrl-_,ctrl-\\'), [0, 97, 27, 31, 28]);
  for (const bad of ['', 'ctrl-', 'ctrl-1', 'ab', 'a,,b'])
    assert.throws(() => parseDetachKeys(bad), /Unknown character/, bad);
});

test('typing goes through; a sequence that breaks off is sent after all', () => {
  const filter = detachFilter([16, 17]);
  const push = (...bytes: number[]) => filter.push(Buffer.from(bytes))?.toJSON().data;
  assert.deepEqual(push(97, 98), [97, 98]);
  assert.deepEqual(push(16), []);
  assert.deepEqual(push(97), [16, 97]);
  assert.deepEqual(push(16, 16), [16]);
  assert.deepEqual(push(98), [16, 98]);
  assert.deepEqual(push(16, 17), undefined);
});

test('nothing typed is lost or doubled until the keys come', () => {
  const key = fc.constantFrom(1, 2, 3);
  fc.assert(
    fc.property(fc.array(fc.array(key, { maxLength: 4 }), { maxLength: 8 }), (chunks) => {
      const filter = detachFilter([1, 2]);
      const typed: number[] = [];
      const sent: number[] = [];
      for (const chunk of chunks) {
        typed.push(...chunk);
        const passed = filter.push(Buffer.from(chunk));
        const detached = typed.some((byte, index) => byte === 1 && typed[index + 1] === 2);
        assert.equal(passed === undefined, detached);
        if (!passed) return;
        sent.push(...passed);
      }
      const held = typed.at(-1) === 1 ? 1 : 0;
      assert.deepEqual(sent, typed.slice(0, typed.length - held));
    }),
  );
});
