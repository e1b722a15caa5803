import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedMutex, Mutex } from './locks.ts';

test('a mutex runs one at a time, in order, past failures', async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  const step = (name: string, fail = false) =>
    mutex.run(async () => {
      order.push(`${name}<`);
      await sleep(1);
      order.push(`${name}>`);
      if (fail) throw new Error(name);
    });
  const results = await Promise.allSettled([step('a'), step('b', true), step('c')]);
  assert.deepEqual(order, ['a<', 'a>', 'b<', 'b>', 'c<', 'c>']);
  assert.deepEqual(
    results.map((r) => r.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  await sleep(0);
  assert.equal(mutex.busy, false);
});

test('keys do not wait for each other', async () => {
  const locks = new KeyedMutex();
  const order: string[] = [];
  await Promise.all([
    locks.run('x', async () => {
      await sleep(10);
      order.push('x');
    }),
    locks.run('y', async () => void order.push('y')),
  ]);
  assert.deepEqual(order, ['y', 'x']);
});
