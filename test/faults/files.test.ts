/** The engine is killed in the middle of a commit, of copies in and out of containers, and of an export. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { processesNaming } from '#test/support/processes.ts';
import { checkStore } from '#test/support/store-check.ts';
import { tarHeader } from '#test/support/tar.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const SIZE = 32 << 20;
let root = '';

/** A container that runs, counts and has a large file. */
beforeEach(async () => {
  const script = `head -c ${SIZE} /dev/urandom >/large; i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.01; done`;
  await daemon.ok(['run', '-d', '--name', 'box', '--stop-timeout', '0', 'busybox', 'sh', '-c', script]);
  root = `/proc/${await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'box'])}/root`;
  await until(async () => (await sizeOf(join(root, 'count'))) > 0);
});

afterEach(() => daemon.docker(['rm', '-f', 'box']));

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 2000, 'it did not come to that');
    await sleep(5);
  }
}

const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** The container goes on as if nothing had been, and nothing is left of what was cut short. */
async function checkAll(): Promise<void> {
  const count = () => daemon.ok(['exec', 'box', 'cat', '/count']);
  const before = await count();
  await until(async () => (await count()) !== before);
  assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Status}}', 'box']), 'running');
  await daemon.ok(['rm', '-f', 'box']);
  await checkStore(daemon);
}

test('commit: the image is there or not, the container is not left paused', async () => {
  const committing = daemon.docker(['commit', 'box', 'made:x']);
  const ingest = join(daemon.dataRoot, 'content/ingest');
  const written = async () => {
    for (const name of await readdir(ingest)) {
      for (const file of await readdir(join(ingest, name)).catch(() => [])) {
        if ((await sizeOf(join(ingest, name, file))) > 0) return true;
      }
    }
    return false;
  };
  await until(written);
  await killEngine(daemon);
  assert.notEqual((await committing).code, 0);
  await until(async () => (await readdir(ingest)).length === 0);
  assert.equal(await daemon.ok(['images', '-q', 'made']), '');
  await daemon.ok(['commit', 'box', 'made:x']);
  assert.equal(await daemon.ok(['run', '--rm', 'made:x', 'sh', '-c', 'wc -c </large']), String(SIZE));
  await daemon.ok(['rmi', 'made:x']);
  await checkAll();
});

test('cp into a container: what has come is there, and it can be copied again', async () => {
  const sending = request({
    socketPath: daemon.socket,
    method: 'PUT',
    path: '/v1.45/containers/box/archive?path=/tmp',
    headers: { 'content-type': 'application/x-tar' },
  });
  const failed = once(sending, 'error');
  sending.write(tarHeader({ name: 'half' }, SIZE));
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 8; i++) if (!sending.write(piece)) await once(sending, 'drain');
  await until(async () => (await sizeOf(join(root, 'tmp/half'))) > 1 << 20);
  await killEngine(daemon);
  await failed;
  assert.ok((await sizeOf(join(root, 'tmp/half'))) < SIZE);
  await untilNoTreeProgram();
  const whole = join(daemon.folder, 'whole');
  await writeFile(whole, Buffer.alloc(SIZE));
  const again = await daemon.docker(['cp', whole, 'box:/tmp/half']);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await sizeOf(join(root, 'tmp/half')), SIZE);
  await checkAll();
});

for (const [what, path] of [
  ['cp out of a container', 'archive?path=/large'],
  ['export', 'export'],
] as const) {
  test(`${what}: the client sees that it has not got all of it`, async () => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ socketPath: daemon.socket, path: `/v1.45/containers/box/${path}`, agent: false }, resolve).on(
        'error',
        reject,
      );
    });
    let received = 0;
    let killed = false;
    const broken = new Promise<boolean>((resolve) => {
      reply.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > 1 << 20 && !killed) reply.pause();
      });
      reply.on('error', () => {}).once('close', () => resolve(!reply.complete));
    });
    await until(async () => received > 1 << 20);
    await killEngine(daemon);
    killed = true;
    reply.resume();
    assert.equal(await broken, true);
    assert.ok(received < SIZE);
    await untilNoTreeProgram();
    await checkAll();
  });
}

test('exec: the process ends as it would have, and its code is known', async () => {
  const client = spawn('docker', [
    '-H',
    daemon.host,
    'exec',
    'box',
    'sh',
    '-c',
    'echo in; sleep 0.5; echo >/done; exit 9',
  ]);
  const ended = once(client, 'exit');
  await once(client.stdout, 'data');
  await killEngine(daemon);
  await ended;
  await until(async () => (await sizeOf(join(root, 'done'))) > 0);
  const [id] = JSON.parse(await daemon.ok(['inspect', '-f', '{{json .ExecIDs}}', 'box'])) ?? [undefined];
  if (id !== undefined) {
    await until(async () => {
      const { Running, ExitCode } = await exec(id);
      if (!Running) assert.equal(ExitCode, 9);
      return !Running;
    });
  }
  await checkAll();
});

async function exec(id: string): Promise<{ Running: boolean; ExitCode: number | null }> {
  const reply = await new Promise<IncomingMessage>((resolve) => {
    get({ socketPath: daemon.socket, path: `/v1.45/exec/${id}/json`, agent: false }, resolve);
  });
  return JSON.parse((await reply.toArray()).join(''));
}

/** The program that read or wrote files for the engine ends with its streams. */
async function untilNoTreeProgram(): Promise<void> {
  await until(async () => (await processesNaming('wherry-tree', daemon.folder)).length === 0);
}
