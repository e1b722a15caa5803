/** What `docker run`'s flags for its files do, seen from inside the container; more about mounts in mounts.test.ts. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon();
const { ok, sh, fails } = engine;

test('--read-only, --tmpfs', async () => {
  const write = 'touch /x 2> /dev/null || echo refused; touch /run/x && echo written';
  assert.equal(await sh(words`--read-only --tmpfs /run`, write), 'refused\nwritten');
  assert.match(
    await sh(words`--tmpfs /run:size=1m,mode=700,exec`, 'grep " /run " /proc/mounts'),
    /size=1024k,mode=700/,
  );
});

test('--shm-size', async () => {
  assert.match(await sh([], 'df -k /dev/shm'), /65536 /);
  assert.match(await sh(words`--shm-size 2m`, 'df -k /dev/shm'), /2048 /);
  assert.match(await fails`run --rm --shm-size=-1 busybox true`, /invalid size|SHM size|invalid argument/i);
});

test('--volume, --volume-driver, --volumes-from, --mount', async () => {
  const folder = join(engine.daemon.folder, 'bound');
  await mkdir(folder);
  await writeFile(join(folder, 'f'), 'bound\n');
  const read = 'cat /in/f; touch /in/x 2> /dev/null || echo read-only';
  assert.equal(await sh(words`--volume ${folder}:/in:ro`, read), 'bound\nread-only');
  assert.equal(await sh(words`--mount type=bind,src=${folder},dst=/in,readonly`, read), 'bound\nread-only');
  await ok`run --name filler --volume-driver local -v filled:/data busybox sh -c ${'echo kept > /data/f'}`;
  assert.equal(await sh(words`--volumes-from filler`, 'cat /data/f'), 'kept');
  assert.equal(await sh(words`--mount type=volume,src=filled,dst=/other`, 'cat /other/f'), 'kept');
  assert.match(await fails`run --rm --volume-driver nonsense -v some:/data busybox true`, /nonsense/);
  assert.match(await fails`run --rm --volumes-from nobody busybox true`, /No such container: nobody/);
  await ok`rm filler`;
  await ok`volume rm filled`;
});
