import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedTimers } from './timers.ts';

test('one timer for each key; those taken back, and all after the end, do not fire', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const timers = new KeyedTimers();
  const fired: string[] = [];
  timers.set('a', 10, () => fired.push('first'));
  timers.set('a', 20, () => fired.push('second'));
  timers.set('b', 20, () => fired.push('b'));
  timers.set('far', Number.MAX_SAFE_INTEGER, () => fired.push('far'));
  timers.clear('b');
  t.mock.timers.tick(15);
  assert.equal(fired.length, 0);
  t.mock.timers.tick(15);
  assert.equal(fired.join(), 'second');
  timers.set('a', 1, () => fired.push('third'));
  timers.close();
  timers.set('c', 1, () => fired.push('c'));
  t.mock.timers.tick(100);
  assert.deepEqual(fired, ['second']);
});
