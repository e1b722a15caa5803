import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { syncFolder } from './durable-file.ts';

test('those who ask while a folder is flushed share the next flush, which begins after theirs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-durable-'));
  t.after(() => rm(folder, { recursive: true }));
  const other = join(folder, 'other');
  await mkdir(other);
  const first = syncFolder(folder);
  await Promise.resolve(); // it has begun
  const second = syncFolder(folder);
  assert.notEqual(second, first);
  assert.equal(syncFolder(folder), second);
  assert.notEqual(syncFolder(other), second);
  await second;
  assert.notEqual(syncFolder(folder), second);
});

test('a flush that fails fails for all who share it, and for nobody after them', async (t) => {
  const folder = join(await mkdtemp(join(tmpdir(), 'wherry-durable-')), 'missing');
  t.after(() => rm(join(folder, '..'), { recursive: true }));
  const shared = await Promise.allSettled([syncFolder(folder), syncFolder(folder)]);
  assert.deepEqual(
    shared.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await mkdir(folder);
  await syncFolder(folder);
});
