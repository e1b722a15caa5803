import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { EventMessage } from '#api/types/event.ts';
import { EventJournal } from './journal.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-journal-'));
after(() => rm(folder, { recursive: true }));

const event = (n: number): EventMessage => ({
  Type: 'container',
  Action: 'start',
  Actor: { ID: `c${n}`, Attributes: { name: `name ${n}\n` } },
  scope: 'local',
  time: 1_700_000_000,
  timeNano: 1_700_000_000_000_000_000n + BigInt(n),
});
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => event(from + index));

const failures: unknown[] = [];
const openJournal = (name: string) =>
  EventJournal.open(join(folder, name), { limit: 10, onFailure: (error) => failures.push(error) });

test('the newest events are there for the next one, digit by digit', async () => {
  const first = await openJournal('kept');
  for (const each of events(0, 37)) first.append(each);
  await first.close();
  const second = await openJournal('kept');
  assert.deepEqual(second.events, events(27, 37));
  second.append(event(37));
  await second.close();
  const third = await openJournal('kept');
  assert.deepEqual(third.events, events(28, 38));
  await third.close();
  assert.deepEqual(failures, []);
});

test('the file stays small, and others may not read it', async () => {
  const journal = await openJournal('small');
  for (let n = 0; n < 500; n++) {
    journal.append(event(n));
    if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await journal.close();
  const path = join(folder, 'small');
  assert.ok((await readFile(path, 'utf8')).split('\n').length <= 21);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const next = await openJournal('small');
  assert.deepEqual(next.events, events(490, 500));
  await next.close();
});

test('lines that are no events are left out', async () => {
  const path = join(folder, 'torn');
  await appendFile(path, 'nonsense\n{"a":1}\n');
  const journal = await openJournal('torn');
  journal.append(event(1));
  await journal.close();
  await appendFile(path, '{"Type":"container","Act');
  const next = await openJournal('torn');
  assert.deepEqual(next.events, [event(1)]);
  await next.close();
});
