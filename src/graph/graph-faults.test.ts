import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WRITE_STEPS } from '#lib/write-steps.ts';
import { assertNothingStored, assertWhole, openTestGraphAt } from '#test/support/graph.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

const PROCESS = join(import.meta.dirname, '../../test/support/graph-process.ts');

const isGraphStep = (step: string) => /^(blob|layer|image)\.(?!tag)/.test(step);
const removeSteps = WRITE_STEPS.filter((step) => isGraphStep(step) && step.includes('remove'));
const loadSteps = WRITE_STEPS.filter((step) => isGraphStep(step) && !removeSteps.includes(step));

/** Runs a graph process that kills itself at `step`; true when it did. */
async function killedAt(step: string, root: string, verb: string, what: string): Promise<boolean> {
  const orders = join(root, 'fault');
  await writeFile(orders, step.includes(':') ? step : `${step}:1`);
  const child = spawn(process.execPath, [PROCESS, root, verb, what], {
    env: { ...process.env, WHERRY_FAULT_FILE: orders },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal] = await once(child, 'exit');
  assert.ok(signal === 'SIGKILL' || code === 0, `the process ended with ${code ?? signal}`);
  return signal === 'SIGKILL';
}

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
