/** What a container has besides its image, and that nothing of it is a change. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

before(async () => {
  daemon = await startDaemon({ busybox: false });
  const busybox = { name: 'busybox', mode: 0o755, body: await readFile('/usr/bin/busybox') };
  const own = [
    { name: 'etc/hosts', body: '1.2.3.4 from-the-image\n' },
    { name: 'etc/mtab', body: 'from the image\n' },
  ];
  const archive = join(daemon.folder, 'bare.tar');
  await makeArchive(archive, [
    { layers: [makeTar([busybox])], tags: ['bare:latest'] },
    { layers: [makeTar([busybox, ...own])], tags: ['own:latest'] },
  ]);
  await ok`load -q -i ${archive}`;
});
after(() => daemon.close());

/** The writable layer of a container, as a list of paths. */
async function upperOf(name: string): Promise<string[]> {
  const id = await ok`inspect -f {{.Id}} ${name}`;
  return readdir(join(daemon.dataRoot, 'graph/containers', id, 'upper'), { recursive: true });
}

test('an image with nothing but a program finds the files that Docker gives every container', async () => {
  const script = `cd / && ./busybox find . ! -type d ! -path './proc/*' ! -path './sys/*' ! -path './dev/*' -exec ./busybox stat -c '%n %F %a' {} +
    ./busybox readlink etc/mtab; ./busybox stat -c '%n %F' dev/console dev/pts dev/shm proc sys`;
  const listed = await ok`run --name bare -t bare /busybox sh -c ${script}`;
  assert.deepEqual(listed.replaceAll('\r', '').split('\n').sort(), [
    './.dockerenv regular empty file 755',
    './busybox regular file 755',
    './etc/hostname regular file 644',
    './etc/hosts regular file 644',
    './etc/mtab symbolic link 777',
    './etc/resolv.conf regular file 644',
    '/proc/mounts',
    'dev/console character special file',
    'dev/pts directory',
    'dev/shm directory',
    'proc directory',
    'sys directory',
  ]);
  assert.deepEqual(await upperOf('bare'), []);
});

test('what the image has of these files stays its own', async () => {
  assert.equal(await ok`run --name own own /busybox cat /etc/mtab`, 'from the image');
  assert.deepEqual(await upperOf('own'), []);
  const hosts = await ok`run --rm own /busybox cat /etc/hosts`;
  assert.doesNotMatch(hosts, /from-the-image/);
});
