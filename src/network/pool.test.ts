import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WarmPool } from './pool.ts';

function numbers(size: number, more: Partial<ConstructorParameters<typeof WarmPool<number>>[0]> = {}) {
  let made = 0;
  const discarded: number[] = [];
  const errors: unknown[] = [];
  const pool = new WarmPool<number>({
    make: async () => ++made,
    discard: async (item) => void discarded.push(item),
    size,
    idleMs: 1,
    onError: (error) => errors.push(error),
    ...more,
  });
  return { pool, discarded, errors, made: () => made };
}

test('what is ready is handed out in order, and replaced', async () => {
  const { pool } = numbers(3);
  pool.fill();
  await pool.filled();
  assert.deepEqual([await pool.take(), await pool.take()], [1, 2]);
  await pool.filled();
  assert.equal(pool.ready, 3);
});

test('an empty pool makes one at once', async () => {
  const { pool, made } = numbers(0);
  assert.equal(await pool.take(), 1);
  await pool.filled();
  assert.equal(made(), 1);
});

test('a failing maker is told of, and tried again after the next take', async () => {
  let broken = true;
  let made = 0;
  const make = async () => {
    if (broken) throw new Error('out of namespaces');
    return ++made;
  };
  const { pool, errors } = numbers(2, { make });
  pool.fill();
  await pool.filled();
  assert.equal(errors.length, 1);
  await assert.rejects(pool.take(), /out of namespaces/);
  await pool.filled();
  broken = false;
  assert.equal(await pool.take(), 1);
  await pool.filled();
  assert.equal(pool.ready, 2);
});

test('closing discards what is ready and makes no more', async () => {
  const { pool, discarded, made, errors } = numbers(2);
  pool.fill();
  await pool.filled();
  await pool.take();
  await pool.close();
  pool.fill();
  await pool.filled();
  assert.equal(pool.ready, 0);
  assert.deepEqual(discarded, Array.from({ length: made() }, (_, index) => index + 1).slice(1));
  assert.deepEqual(errors, []);
});
