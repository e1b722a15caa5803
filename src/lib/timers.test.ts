import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedTimers } from './timers.ts';

test('one timer for each key; those taken back, and all after the end, do not fire', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const fired: string[] = [];
  const timers = new KeyedTimers((key) => fired.push(key));
  timers.set('a', 10);
  timers.set('a', 20);
  timers.set('b', 20);
  timers.set('far', Number.MAX_SAFE_INTEGER);
  timers.clear('b');
  t.mock.timers.tick(15);
  assert.equal(fired.length, 0);
  t.mock.timers.tick(15);
  assert.equal(fired.join(), 'a');
  timers.set('a', 1);
  timers.close();
  timers.set('c', 1);
  t.mock.timers.tick(100);
  assert.deepEqual(fired, ['a']);
});
