/** The data-root is a small file system that fills up: verbs fail with the reason, leave nothing, and work again later. */
import assert from 'node:assert/strict';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const MEGABYTE = 1 << 20;

let daemon: TestDaemon;
let filler: string;

before(async () => {
  daemon = await startDaemon({
    prepare: async (dataRoot) => {
      const image = `${dataRoot}.ext4`;
      await mkdir(dataRoot);
      await tool('truncate', '-s', '64M', image);
      await tool('mkfs.ext4', '-q', image);
      await tool('mount', '-o', 'loop', image, dataRoot);
    },
  });
  filler = join(daemon.dataRoot, 'lost+found', 'filler');
});
beforeEach(() => rm(filler, { force: true }));
after(async () => {
  await rm(filler, { force: true });
  await daemon.close();
});

async function tool(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await run(program, args, '', process.env);
  assert.equal(code, 0, `${program}: ${stderr}`);
}

/** Leaves `free` bytes. */
async function fill(free: number): Promise<void> {
  const file = await open(filler, 'a');
  try {
    for (let size = 64 * MEGABYTE; size >= 4096; ) {
      const { bfree, bsize } = await statfs(daemon.dataRoot);
      const wanted = Math.min(size, bfree * bsize - free);
      const written =
        wanted <= 0
          ? 0
          : await file.write(Buffer.alloc(wanted)).then(
              ({ bytesWritten }) => bytesWritten,
              () => 0,
            );
      await file.sync().catch(() => {});
      if (written === 0) size >>= 1;
    }
  } finally {
    await file.close();
  }
}

/** The verb fails for want of room, in words that say so. */
async function assertNoRoom(args: string[]): Promise<void> {
  const { code, stderr, stdout } = await daemon.docker(args);
  assert.notEqual(code, 0, `${args.join(' ')} has worked: ${stdout}`);
  assert.match(stderr, /disk is full|no space left|ENOSPC/i);
}

const state = (name: string) => daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name]);

test('a load that does not fit', async () => {
  const big = join(daemon.folder, 'big.tar');
  const own = makeTar([{ name: 'big', body: Buffer.alloc(80 * MEGABYTE, 'x') }]);
  await makeArchive(big, [{ layers: [await busyboxLayer(), own], tags: ['big:latest'] }]);
  await assertNoRoom(['load', '-q', '-i', big]);
  assert.equal(await daemon.ok(['images', '-q', 'big']), '');
  const { layers } = await checkStore(daemon);
  assert.equal(layers.size, 1);
  assert.equal(await daemon.ok(['run', '--rm', 'busybox', 'echo', 'alive']), 'alive');
});

test('create and start on a full disk, and again when there is room', async () => {
  await daemon.ok(['create', '--name', 'early', 'busybox', 'echo', 'started']);
  await fill(0);
  await assertNoRoom(['create', '--name', 'late', '-v', '/bin', 'busybox', 'true']);
  await assertNoRoom(['start', 'early']);
  assert.match(await daemon.ok(['ps', '-a', '--format', '{{.Names}}']), /^early$/);
  await rm(filler);
  await checkStore(daemon);
  await daemon.ok(['create', '--name', 'late', '-v', '/bin', 'busybox', 'true']);
  assert.equal(await daemon.ok(['start', '-a', 'early']), 'started');
  await daemon.ok(['rm', '-v', 'early', 'late']);
  await checkStore(daemon);
});

test('containers and images can be removed from a full disk', async () => {
  await daemon.ok(['tag', 'busybox', 'other']);
  await daemon.ok(['run', '--name', 'ended', '-v', '/anonymous', 'busybox', 'true']);
  await fill(0);
  await daemon.ok(['rm', '-v', 'ended']);
  await daemon.ok(['rmi', 'other']);
  await checkStore(daemon);
});

test('an engine starts on a full disk', async () => {
  await daemon.ok(['run', '-d', '--name', 'runs', 'busybox', 'sleep', '1000']);
  await fill(0);
  await killEngine(daemon);
  await daemon.stop();
  await daemon.start();
  assert.equal(await state('runs'), 'running 0');
  await rm(filler);
  await daemon.stop();
  await daemon.start();
  await daemon.ok(['rm', '-f', 'runs']);
  await checkStore(daemon);
});

test('a container on a full disk: its output waits, its exit code is kept, also across engines', async () => {
  await daemon.ok([
    'run',
    '-d',
    '--name',
    'talks',
    'busybox',
    'sh',
    '-c',
    'while [ ! -e /go ]; do echo line; done; exit 7',
  ]);
  await daemon.ok(['run', '-d', '--name', 'ends', 'busybox', 'sh', '-c', 'sleep 2; exit 7']);
  await fill(0);
  assert.equal(await daemon.ok(['wait', 'ends']), '7');
  assert.equal(await state('talks'), 'running 0');
  await killEngine(daemon);
  assert.equal(await state('ends'), 'exited 7');
  assert.equal(await state('talks'), 'running 0');
  await rm(filler);
  await daemon.docker(['stop', '-t', '0', 'talks']);
  for (let now = ''; !now.startsWith('exited'); await sleep(20)) now = await state('talks');
  await killEngine(daemon);
  assert.deepEqual([await state('talks'), await state('ends')], ['exited 137', 'exited 7']);
  await daemon.ok(['rm', 'talks', 'ends']);
  await checkStore(daemon);
});
