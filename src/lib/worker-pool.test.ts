import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEngineError } from '#errors/errors.ts';
import { type PoolOptions, WorkerPool } from './worker-pool.ts';
import { WorkerStock } from './worker-stock.ts';

const job = new URL('./fixtures/worker-job.ts', import.meta.url);

async function withPool(options: PoolOptions, use: (pool: WorkerPool) => Promise<void>): Promise<void> {
  const pool = new WorkerPool(options);
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

test('more jobs than workers are all done, by no more workers than allowed', () =>
  withPool({ size: 2 }, async (pool) => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, value) =>
        pool.run<{ doubled: number; threadId: number }>(job, { what: 'double', value }),
      ),
    );
    assert.deepEqual(
      results.map((result) => result.doubled),
      Array.from({ length: 20 }, (_, value) => value * 2),
    );
    assert.ok(new Set(results.map((result) => result.threadId)).size <= 2);
  }));

test('errors keep their kind, code, hint and cause on the way out of a worker', () =>
  withPool({ size: 1 }, async (pool) => {
    await assert.rejects(pool.run(job, { what: 'refuse' }), (error) => {
      assert.ok(isEngineError(error, 'invalid'));
      assert.equal(error.code, 'REFUSED');
      assert.equal(error.hint, 'Ask again.');
      assert.equal((error.cause as Error).message, 'inner');
      return true;
    });
    await assert.rejects(pool.run(job, { what: 'enoent' }), { code: 'ENOENT', message: 'no such file' });
  }));

test('a module that does not exist, a reply that cannot be copied and a dying worker each reject their own job only', () =>
  withPool({ size: 1 }, async (pool) => {
    await assert.rejects(pool.run(new URL('./fixtures/missing.ts', import.meta.url), {}), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await assert.rejects(pool.run(job, { what: 'unclonable' }));
    await assert.rejects(pool.run(job, { what: 'exit' }), /ended by itself with exit code 3/);
    assert.equal((await pool.run<{ doubled: number }>(job, { what: 'double', value: 4 })).doubled, 8);
  }));

test('an aborted job ends at once even in an endless loop, a queued one never starts, and the next one runs', () =>
  withPool({ size: 1 }, async (pool) => {
    const [running, waiting] = [new AbortController(), new AbortController()];
    const spinning = pool.run(job, { what: 'spin' }, { signal: running.signal });
    const queued = pool.run(job, { what: 'spin' }, { signal: waiting.signal });
    const last = pool.run<{ doubled: number }>(job, { what: 'double', value: 1 });
    waiting.abort();
    await assert.rejects(queued, (error) => isEngineError(error, 'cancelled'));
    running.abort();
    await assert.rejects(spinning, (error) => isEngineError(error, 'cancelled'));
    assert.equal((await last).doubled, 2);
    await assert.rejects(pool.run(job, { what: 'double' }, { signal: AbortSignal.abort() }), (error) =>
      isEngineError(error, 'cancelled'),
    );
  }));

/** A pool of one worker, and what gives the numbers of the threads that jobs ran in. */
function poolOf(stock: WorkerStock) {
  const pool = new WorkerPool({ size: 1, stock });
  return async (input: object) => (await pool.run<{ threadId: number }>(job, input)).threadId;
}

test('a worker without work serves any pool', async () => {
  const stock = new WorkerStock();
  const [one, other] = [poolOf(stock), poolOf(stock)];
  const threads = [];
  for (const run of [one, other, one]) threads.push(await run({ what: 'double', value: 1 }));
  assert.equal(new Set(threads).size, 1);
  assert.equal(stock.size, 1);
});

test('a worker that a job has left with a large heap ends', async () => {
  const stock = new WorkerStock();
  const run = poolOf(stock);
  await run({ what: 'hoard', objects: 500_000 });
  assert.equal(stock.size, 0);
  await run({ what: 'double', value: 1 });
  assert.equal(stock.size, 1);
});

test('idle workers end', async () => {
  const stock = new WorkerStock({ idleMs: 1 });
  await poolOf(stock)({ what: 'double', value: 1 });
  while (stock.size > 0) await sleep(5);
});

test('closing the pool cancels what runs', async () => {
  const pool = new WorkerPool({ size: 1 });
  const spinning = assert.rejects(pool.run(job, { what: 'spin' }), (error) => isEngineError(error, 'cancelled'));
  await pool.close();
  await spinning;
});
