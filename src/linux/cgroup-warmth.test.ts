import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { detectCgroups } from './cgroup.ts';
import { cgroupWarmer } from './cgroup-warmth.ts';

test('warming up leaves this process where it is', async () => {
  const before = await readFile('/proc/self/cgroup', 'utf8');
  const warm = cgroupWarmer(await detectCgroups());
  for (let i = 0; i < 3; i++) await Promise.all([warm(), warm()]);
  assert.equal(await readFile('/proc/self/cgroup', 'utf8'), before);
});

test('a failure is told, and the next call tries again', async () => {
  const support = await detectCgroups();
  const nowhere = '/proc/self/exe'; // ENOTDIR below it
  const warm = cgroupWarmer({ ...support, unified: nowhere, controllers: new Map([['pids', nowhere]]) });
  await assert.rejects(warm(), { code: 'ENOTDIR' });
  await assert.rejects(warm(), { code: 'ENOTDIR' });
});
