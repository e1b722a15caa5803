import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { isEngineError } from '#errors/errors.ts';
import { assertNothingStored, assertWhole, openTestGraphAt } from '#test/support/graph.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

const run = promisify(execFile);

test('a load that fills the disk says so, leaves nothing, and the engine goes on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-disk-'));
  const [disk, mountPoint] = [join(folder, 'disk'), join(folder, 'mount')];
  await writeFile(disk, '');
  await truncate(disk, 24 << 20);
  await mkdir(mountPoint);
  await run('mkfs.ext4', ['-q', '-O', '^has_journal', disk]);
  await run('mount', ['-o', 'loop', disk, mountPoint]);
  await mkdir(join(mountPoint, 'root'));
  const graph = await openTestGraphAt(t, join(mountPoint, 'root'));
  t.after(async () => {
    await run('umount', [mountPoint]);
    await rm(folder, { recursive: true });
  });
  const large = makeTar([{ name: 'large', body: Buffer.alloc(40 << 20, 'x') }]);
  const small = makeTar([{ name: 'small', body: Buffer.alloc(2 << 20, 'x') }]);
  await makeArchive(join(folder, 'large.tar'), [{ layers: [small, large], tags: ['large:latest'] }]);
  await makeArchive(join(folder, 'small.tar'), [{ layers: [small], tags: ['small:latest'] }]);
  await assert.rejects(
    graph.load(join(folder, 'large.tar')),
    (error) =>
      isEngineError(error, 'system') && /the disk is full/.test(error.message) && /make room/.test(error.hint ?? ''),
  );
  await assertNothingStored(graph);
  await graph.load(join(folder, 'small.tar'));
  await assertWhole(graph);
});
