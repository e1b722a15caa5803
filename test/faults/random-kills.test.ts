/** Clients work all the time while the engine is killed at random moments: afterwards everything is in order. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { randomNumbers } from '#test/support/random.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const DURATION_MS = 20_000;
const CLIENTS = 3;
/** The launcher starts the seventh engine of a minute only after seconds: a new launcher does not. */
const KILLS_PER_LAUNCHER = 3;

let folder: string;
let daemon: TestDaemon;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-kills-'));
  daemon = await startDaemon();
});
after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});

test('whatever clients do while engines are killed, nothing is half done', async (t) => {
  const seed = Number(process.env.WHERRY_TEST_SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`WHERRY_TEST_SEED=${seed}`);
  const archives = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => archiveOf(at)));
  const until = performance.now() + DURATION_MS;
  const clients = archives.map((archive, at) => work(at, archive, randomNumbers(seed + at), until));
  const random = randomNumbers(seed - 1);
  for (let kills = 1; performance.now() < until; kills++) {
    await sleep(200 + random() * 800);
    if (kills % KILLS_PER_LAUNCHER > 0) await killEngine(daemon);
    else await daemon.stop().then(() => daemon.start());
  }
  await Promise.all(clients);
  await assertInOrder();
  await daemon.removeContainers();
  for (let at = 0; at < CLIENTS; at++) await daemon.docker(['rmi', '-f', `app${at}`, `app${at}:other`]);
  const { layers, containers, volumes } = await checkStore(daemon);
  assert.deepEqual([layers.size, containers.size, volumes], [1, 0, []]);
});

async function archiveOf(at: number): Promise<string> {
  const path = join(folder, `${at}.tar`);
  const own = makeTar([{ name: 'own', body: Buffer.alloc(300_000, `${at}`) }]);
  await makeArchive(path, [{ layers: [await busyboxLayer(), own], tags: [`app${at}:latest`] }]);
  return path;
}

/** One client: a random verb after the other on its image and its five containers. Failures are what kills do. */
async function work(at: number, archive: string, random: () => number, until: number): Promise<void> {
  const verbs: ((name: string) => string[])[] = [
    () => ['load', '-q', '-i', archive],
    (name) => ['create', '--name', name, '-v', '/anonymous', '-v', '/bin', `app${at}`, 'sh', '-c', 'sleep 0.1; exit 7'],
    (name) => ['run', '-d', '--name', name, '-p', '80', `app${at}`, 'sh', '-c', 'sleep 0.3; exit 7'],
    (name) => ['run', '-d', '--name', name, `app${at}`, 'sleep', '1000'],
    () => ['run', '--rm', '-v', '/anonymous', `app${at}`, 'sh', '-c', 'exit 7'],
    (name) => ['start', name],
    (name) => ['kill', name],
    (name) => ['rm', '-f', '-v', name],
    (name) => ['rm', '-v', name],
    () => ['rmi', `app${at}`],
    () => ['tag', `app${at}`, `app${at}:other`],
  ];
  await daemon.docker(verbs[0]!(''));
  while (performance.now() < until) {
    const verb = verbs[Math.floor(random() * verbs.length)]!;
    await daemon.docker(verb(`client${at}-${Math.floor(random() * 5)}`));
  }
}

/** Every state is one that can be, with the code that the container's command has; every image that is listed works. */
async function assertInOrder(): Promise<void> {
  const { containers } = await checkStore(daemon);
  const format = '{{.Id}} {{.State.Status}} {{.State.ExitCode}} {{.State.Error}}';
  const ids = [...containers.keys()];
  const states = ids.length > 0 ? (await daemon.ok(['inspect', '-f', format, ...ids])).split('\n') : [];
  for (const state of states) assert.match(state, /^\S+ (created 0|running 0|exited (7|137)) $/);
  for (const name of (await daemon.ok(['images', '--format', '{{.Repository}}:{{.Tag}}'])).split('\n')) {
    assert.equal(await daemon.ok(['run', '--rm', name, 'echo', 'works']), 'works');
  }
}
