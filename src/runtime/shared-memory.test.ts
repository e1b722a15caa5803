import assert from 'node:assert/strict';
import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readMountInfo } from '#linux/mountinfo.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { prepareSharedMemory, releaseSharedMemory } from './shared-memory.ts';

const base = await mkdtemp(join(tmpdir(), 'wherry-shm-'));
const folder = join(base, 'a', 'shm');
let server: TestLauncher;

before(async () => {
  server = await startLauncher();
});

after(async () => {
  await releaseSharedMemory(server.launcher, folder);
  await server.close();
  await rm(base, { recursive: true });
});

const request = { mode: 'private', folder, size: 1024 * 1024 };
const mounts = async () => (await readMountInfo()).filter(({ mountPoint }) => mountPoint === folder);

test('private, none: the runtime makes it; host: the host has it', async () => {
  assert.equal(await prepareSharedMemory(server.launcher, request), undefined);
  assert.equal(await prepareSharedMemory(server.launcher, { ...request, mode: 'none' }), undefined);
  assert.equal(await prepareSharedMemory(server.launcher, { ...request, mode: 'host' }), '/dev/shm');
});

test('shareable: one tmpfs on the host, however often it is asked for, until it is released', async () => {
  const shareable = { ...request, mode: 'shareable' };
  assert.equal(await prepareSharedMemory(server.launcher, shareable), folder);
  await writeFile(join(folder, 'file'), 'kept');
  await prepareSharedMemory(server.launcher, shareable);
  const [mount, ...more] = await mounts();
  assert.deepEqual(more, []);
  assert.equal(mount!.fstype, 'tmpfs');
  assert.ok(['nosuid', 'nodev', 'noexec'].every((option) => mount!.options.includes(option)));
  assert.match(mount!.superOptions, /size=1024k/);
  assert.equal((await lstat(folder)).mode & 0o7777, 0o1777);
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'kept');
  await releaseSharedMemory(server.launcher, folder);
  await releaseSharedMemory(server.launcher, folder);
  assert.deepEqual(await mounts(), []);
});

test('a container joins what its partner shares, and is refused what is private', async () => {
  const partner = { id: 'p1', mode: 'shareable', folder: '/p/shm' };
  const joining = { ...request, mode: 'container:p1' };
  assert.equal(await prepareSharedMemory(server.launcher, { ...joining, partner }), '/p/shm');
  assert.equal(
    await prepareSharedMemory(server.launcher, { ...joining, partner: { ...partner, mode: 'host' } }),
    '/dev/shm',
  );
  const refused = prepareSharedMemory(server.launcher, { ...joining, partner: { ...partner, mode: 'private' } });
  await assert.rejects(refused, {
    kind: 'conflict',
    message: /^cannot join IPC namespace of container p1: non-shareable IPC/,
  });
});
