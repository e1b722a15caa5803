import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LayerMounts } from './layer-mounts.ts';

test('the folder of the layers stays while one is being mounted, and goes with the last one', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'wherry-layer-mounts-'));
  t.after(() => rm(root, { recursive: true }));
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const unmounted: string[] = [];
  const launcher = {
    mount: () => {
      asked.resolve();
      return answer.promise;
    },
    unmount: async (target: string) => void unmounted.push(target),
  };
  const layers = new LayerMounts(root, launcher, async () => ({ indexPath: '/index', tarPath: '/tar' }));
  const mounting = layers.mount('sha256:aa');
  await asked.promise;
  await layers.unmountUnused(() => true);
  assert.deepEqual(unmounted, []);
  answer.resolve();
  const path = await mounting;
  await layers.unmountUnused(() => false);
  assert.deepEqual(unmounted, [path, root]);
});
