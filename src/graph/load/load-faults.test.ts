import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingStored, assertWhole, openTestGraphAt } from '#test/support/graph.ts';
import { killedAt, loadSteps } from '#test/support/graph-faults.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

for (const step of loadSteps) {
  for (const times of step.startsWith('blob.') ? [1, 2] : [1]) {
    test(`killed at ${step}, passage ${times}, of a load: the image is whole or gone`, async (t) => {
      const root = await mkdtemp(join(tmpdir(), 'wherry-faults-'));
      const path = join(root, 'archive');
      const layers = ['one', 'two'].map((name) => makeTar([{ name, body: Buffer.alloc(40_000, name) }]));
      await makeArchive(path, [{ layers, tags: ['app:latest'] }]);
      assert.ok(await killedAt(`${step}:${times}`, root, 'load', path), 'the step was reached');
      const graph = await openTestGraphAt(t, root);
      await graph.graph.sweep();
      if (step === 'image.commit') assert.equal(graph.graph.size, 1);
      else await assertNothingStored(graph);
      await graph.load(path);
      await assertWhole(graph);
      await graph.graph.remove('app');
      await assertNothingStored(graph);
    });
  }
}
