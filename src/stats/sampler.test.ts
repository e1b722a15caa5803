import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { emptySample, type Sample } from './sample.ts';
import { Sampler, type Subject } from './sampler.ts';

/** A subject whose samples are numbered by their pids; the clock only goes when a test moves it. */
function subject(t: TestContext, change: Partial<Subject> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let taken = 0;
  const { promise: removed, resolve: remove } = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  const made: Subject = {
    id: 'abc',
    sample: async () => ({ ...emptySample(), pids_stats: { current: ++taken } }),
    gone: () => removed,
    failed: (error) => failures.push(error),
    ...change,
  };
  return { subject: made, taken: () => taken, remove, failures };
}

/** Lets everything run that does not wait for the clock. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const numberOf = async (step: Promise<IteratorResult<Sample, void>>) => {
  const { value } = await step;
  return value?.pids_stats.current;
};

test('a hundred readers of one subject share its samples, and nothing is left when they go', async (t) => {
  const { subject: one, taken } = subject(t);
  const sampler = new Sampler();
  const stop = new AbortController();
  const readers = Array.from({ length: 100 }, () => sampler.read(one, stop.signal));
  for (const expected of [1, 2, 3]) {
    const steps = readers.map((reader) => numberOf(reader.next()));
    await settle();
    if (expected > 1) t.mock.timers.tick(1000);
    assert.deepEqual(new Set(await Promise.all(steps)), new Set([expected]));
  }
  assert.equal(taken(), 3);
  const last = readers.map((reader) => reader.next());
  await settle();
  stop.abort();
  assert.ok((await Promise.all(last)).every(({ done }) => done));
  assert.equal(sampler.active, 0);
  t.mock.timers.tick(10_000);
  await settle();
  assert.equal(taken(), 3);
});

test('who comes later gets the next sample; who goes does not end it for the others', async (t) => {
  const { subject: one } = subject(t);
  const sampler = new Sampler();
  const first = sampler.read(one, new AbortController().signal);
  assert.equal(await numberOf(first.next()), 1);
  const second = sampler.read(one, new AbortController().signal);
  const step = numberOf(second.next());
  await settle();
  t.mock.timers.tick(1000);
  assert.equal(await step, 2);
  await first.return();
  const next = numberOf(second.next());
  await settle();
  t.mock.timers.tick(1000);
  assert.equal(await next, 3);
  await second.return();
  assert.equal(sampler.active, 0);
});

test('a reader that is behind gets the newest sample only', async (t) => {
  const { subject: one } = subject(t);
  const reader = new Sampler().read(one, new AbortController().signal);
  assert.equal(await numberOf(reader.next()), 1);
  for (let i = 0; i < 3; i++) {
    t.mock.timers.tick(1000);
    await settle();
  }
  assert.equal(await numberOf(reader.next()), 4);
  await reader.return();
});

test('the end of the subject is the end of all readers', async (t) => {
  const { subject: one, remove } = subject(t);
  const sampler = new Sampler();
  const reader = sampler.read(one, new AbortController().signal);
  await reader.next();
  const step = reader.next();
  remove();
  assert.equal((await step).done, true);
  assert.equal(sampler.active, 0);
});

test('a sample that cannot be taken is told, and an empty one is read', async (t) => {
  const { subject: one, failures } = subject(t, { sample: () => Promise.reject(new Error('disk on fire')) });
  const reader = new Sampler().read(one, new AbortController().signal);
  assert.deepEqual((await reader.next()).value, emptySample());
  assert.equal(failures.length, 1);
  await reader.return();
});
