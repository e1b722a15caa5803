import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestGraph } from '#test/support/graph.ts';
import { busyboxArchive } from '#test/support/images.ts';

test('a loaded image is there, by name and id, also for the next engine', async (t) => {
  const graph = await openTestGraph(t);
  const messages = await graph.load(await busyboxArchive());
  assert.equal(messages.at(-1)?.stream, 'Loaded image: busybox:latest\n');
  await graph.reopen();
});
