import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertWhole, openTestGraphAt } from '#test/support/graph.ts';
import { killedAt, removeSteps } from '#test/support/graph-faults.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

for (const step of removeSteps) {
  test(`killed at ${step} of a removal: nothing of the image is left, its neighbour is whole`, async (t) => {
    const root = await mkdtemp(join(tmpdir(), 'wherry-faults-'));
    const path = join(root, 'archive');
    const [shared, own] = ['shared', 'own'].map((name) => makeTar([{ name, body: Buffer.alloc(40_000, name) }]));
    await makeArchive(path, [
      { layers: [shared!, own!], tags: ['app:latest'] },
      { layers: [shared!], tags: ['neighbour:latest'] },
    ]);
    assert.ok(!(await killedAt('none', root, 'load', path)));
    assert.ok(await killedAt(step, root, 'remove', 'app'), 'the step was reached');
    const graph = await openTestGraphAt(t, root);
    await graph.graph.sweep();
    assert.deepEqual(
      graph.graph.list().flatMap(({ RepoTags }) => RepoTags),
      ['neighbour:latest'],
    );
    await assertWhole(graph);
    await graph.load(path);
    await assertWhole(graph);
    assert.equal(graph.graph.size, 2);
  });
}
