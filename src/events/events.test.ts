import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { NO_FILTERS, parseFilters } from '#lib/filters.ts';
import { nowNs } from '#lib/time.ts';
import { EventLog, type EventQuery } from './events.ts';

async function collect(log: EventLog, query: EventQuery, signal = new AbortController().signal): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of log.stream(query, signal)) seen.push(`${event.Type} ${event.Action} ${event.Actor.ID}`);
  return seen;
}

test('a listener gets what comes after it began, in order, and ends with its signal', async () => {
  const log = new EventLog();
  log.publish('container', 'create', 'old');
  const abort = new AbortController();
  const seen = collect(log, { filters: NO_FILTERS }, abort.signal);
  await tick();
  log.publish('container', 'create', 'a');
  log.publish('container', 'start', 'a');
  await tick();
  assert.equal(log.listenerCount, 1);
  abort.abort();
  assert.deepEqual(await seen, ['container create a', 'container start a']);
  assert.equal(log.listenerCount, 0);
});

test('since looks back and until ends', async () => {
  const log = new EventLog();
  log.publish('container', 'create', 'a');
  const since = nowNs();
  log.publish('container', 'start', 'a');
  log.publish('container', 'die', 'a');
  const query = { since, until: nowNs(), filters: NO_FILTERS };
  assert.deepEqual(await collect(log, query), ['container start a', 'container die a']);
  const soon = nowNs() + 20_000_000n;
  const seen = collect(log, { since: nowNs(), until: soon, filters: NO_FILTERS });
  log.publish('image', 'tag', 'b');
  assert.deepEqual(await seen, ['image tag b']);
});

test('filters select by type, event, object, label', async () => {
  const log = new EventLog();
  log.publish('container', 'create', 'abcdef', { name: 'web', image: 'busybox', color: 'red' });
  log.publish('container', 'exec_start: sh', 'abcdef', { name: 'web', color: 'red' });
  log.publish('container', 'die', '123456', { name: 'db' });
  log.publish('image', 'tag', 'sha256:99', { name: 'busybox:latest' });
  const select = (filters: object) =>
    collect(log, { since: 0n, until: nowNs(), filters: parseFilters(JSON.stringify(filters)) });
  assert.equal((await select({ type: ['container'] })).length, 3);
  assert.deepEqual(await select({ event: ['exec_start'] }), ['container exec_start: sh abcdef']);
  assert.equal((await select({ container: ['web'] })).length, 2);
  assert.equal((await select({ container: ['abc', 'db'] })).length, 3);
  assert.equal((await select({ image: ['busybox'] })).length, 1);
  assert.equal((await select({ label: ['color=red'] })).length, 2);
  await assert.rejects(select({ colour: ['red'] }), /invalid filter 'colour'/);
});

test('a listener that does not read is cut off and holds a bounded number of events', async () => {
  const log = new EventLog();
  const stream = log.stream({ filters: NO_FILTERS }, new AbortController().signal);
  const first = stream.next();
  for (let i = 0; i < 70_000; i++) log.publish('container', 'top', String(i));
  await first;
  let count = 1;
  for await (const _ of stream) count++;
  assert.ok(count <= 65_536, `${count} events were held`);
  assert.equal(log.listenerCount, 0);
});
