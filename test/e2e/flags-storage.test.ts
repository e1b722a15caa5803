/** What `docker run`'s flags for its files do, seen from inside the container; more about mounts in mounts.test.ts. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));
const sh = (options: string[], script: string) => ok`run --rm ${options} busybox sh -c ${script}`;
const fails = async (options: string[]) => {
  const { code, stderr } = await daemon.docker(words`run --rm ${options} busybox true`);
  assert.notEqual(code, 0);
  return stderr;
};

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
  assert.match(await fails(words`--shm-size=-1`), /invalid size|SHM size|invalid argument/i);
});

test('--volume, --volume-driver, --volumes-from, --mount', async () => {
  const folder = join(daemon.folder, 'bound');
  await mkdir(folder);
  await writeFile(join(folder, 'f'), 'bound\n');
  const read = 'cat /in/f; touch /in/x 2> /dev/null || echo read-only';
  assert.equal(await sh(words`--volume ${folder}:/in:ro`, read), 'bound\nread-only');
  assert.equal(await sh(words`--mount type=bind,src=${folder},dst=/in,readonly`, read), 'bound\nread-only');
  await ok`run --name filler --volume-driver local -v filled:/data busybox sh -c ${'echo kept > /data/f'}`;
  assert.equal(await sh(words`--volumes-from filler`, 'cat /data/f'), 'kept');
  assert.equal(await sh(words`--mount type=volume,src=filled,dst=/other`, 'cat /other/f'), 'kept');
  assert.match(await fails(words`--volume-driver nonsense -v some:/data`), /nonsense/);
  assert.match(await fails(words`--volumes-from nobody`), /No such container: nobody/);
  await ok`rm filler`;
  await ok`volume rm filled`;
});
