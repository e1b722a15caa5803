/** Health checks as dockerd has them, and what dockerd does not do: nothing of a look is left behind. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Health } from '#api/types/container.ts';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { eventsOf } from '#test/support/events.ts';
import { killEngine } from '#test/support/faults.ts';
import { busyboxLayer, makeArchive } from '#test/support/images.ts';
import { processesNaming } from '#test/support/processes.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
let folder: string;
before(async () => {
  daemon = await startDaemon();
  folder = await mkdtemp(join(tmpdir(), 'wherry-health-'));
  const config = {
    Cmd: ['sleep', '1000'],
    Shell: ['/bin/sh', '-xc'],
    Healthcheck: { Test: ['CMD-SHELL', 'echo from the image >&2'], Interval: 2e8 },
  };
  await makeArchive(join(folder, 'checked.tar'), [
    { layers: [await busyboxLayer()], tags: ['checked:latest'], config },
  ]);
  await ok`load -q -i ${join(folder, 'checked.tar')}`;
});
after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});
afterEach(() => daemon.removeContainers());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

const health = async (name = 'box'): Promise<Health> =>
  JSON.parse(await ok`inspect -f ${'{{json .State.Health}}'} ${name}`);
async function until(wanted: (health: Health) => boolean, name = 'box'): Promise<Health> {
  for (;;) {
    const now = await health(name);
    if (now && wanted(now)) return now;
    await sleep(20);
  }
}
const is = (status: Health['Status']) => (now: Health) => now.Status === status;
const status = (name = 'box') => ok`ps -a --filter name=${name} --format ${'{{.Status}}'}`;

/** Healthy while there is a file /ok. */
const LOOK = 'test -e /ok && echo yes || { echo no; exit 1; }';
const CHECK = ['--health-cmd', LOOK, '--health-interval', '100ms'];
const box = (...flags: string[]) => ok`run -d --name box ${flags} busybox sleep 1000`;

test('starting, unhealthy after so many failures, healthy after one success; each change is an event', async () => {
  const events = await eventsOf(
    daemon,
    async () => {
      const gated = `until [ -e /go ]; do sleep 0.05; done; ${LOOK}`;
      await box('--health-cmd', gated, '--health-interval', '100ms', '--health-retries', '2');
      assert.deepEqual(await health(), { Status: 'starting', FailingStreak: 0, Log: [] });
      assert.match(await status(), /^Up .* \(health: starting\)$/);
      await ok`exec box touch /go`;
      const sick = await until(is('unhealthy'));
      assert.ok(sick.FailingStreak >= 2);
      assert.deepEqual([sick.Log![0]!.ExitCode, sick.Log![0]!.Output], [1, 'no\n']);
      assert.match(await status(), /\(unhealthy\)$/);
      await ok`exec box touch /ok`;
      const well = await until(is('healthy'));
      assert.deepEqual([well.FailingStreak, well.Log!.at(-1)!.Output], [0, 'yes\n']);
      assert.match(await status(), /\(healthy\)$/);
    },
    { filters: ['event=health_status'] },
  );
  assert.deepEqual(events, ['container health_status: unhealthy', 'container health_status: healthy']);
  for (const [filter, found] of Object.entries({ healthy: 1, unhealthy: 0, none: 0 })) {
    assert.equal((await ok`ps -q --filter health=${filter}`).split('\n').filter(Boolean).length, found, filter);
  }
  const { stderr } = await daemon.docker(words`ps --filter health=fine`);
  assert.match(stderr, /unrecognized filter value for health: fine/);
  const log = (await until((now) => now.Log!.length === 5)).Log!;
  assert.deepEqual(
    log.map(({ Start }) => Start),
    log.map(({ Start }) => Start).toSorted(),
  );
});

test('each look tells of an exec, and none is left', async () => {
  const show = ['exitCode'];
  const events = await eventsOf(
    daemon,
    async () => {
      await box('--health-cmd', 'true', '--health-interval', '100ms');
      await until(is('healthy'));
    },
    { filters: ['container=box'], show },
  );
  assert.deepEqual(events.slice(2, 6), [
    'container exec_create: /bin/sh -c true exitCode=undefined',
    'container exec_start: /bin/sh -c true exitCode=undefined',
    'container exec_die exitCode=0',
    'container health_status: healthy exitCode=undefined',
  ]);
  while ((await ok`inspect -f ${'{{json .ExecIDs}}'} box`) !== 'null') await sleep(10);
});

test('one that takes too long fails, and goes with all that it has started', async () => {
  await box(
    '--health-cmd',
    'echo begun; sleep 4321 & sleep 4321; true',
    '--health-interval',
    '100ms',
    '--health-timeout',
    '2s',
    '--health-retries',
    '1',
  );
  const { Log } = await until(is('unhealthy'));
  assert.deepEqual([Log![0]!.ExitCode, Log![0]!.Output], [-1, 'Health check exceeded timeout (2s): begun\n']);
  await ok`pause box`;
  await ok`unpause box`;
  await until(({ Log: later }) => later!.length >= 3);
  assert.ok(
    (await ok`top box`).split('\n').filter((line) => /\d +sleep 4321$/.test(line)).length <= 2,
    'of one look at most',
  );
});

test('output: 4096 bytes of it, whatever it is', async () => {
  await box('--health-cmd', 'yes | head -c 5000; printf "\\377"', '--health-interval', '100ms');
  const [first] = (await until(is('healthy'))).Log!;
  assert.equal(first!.Output, `${'y\n'.repeat(2048)}...`);
});

test('a command that is not there, one that is no program, and none at all', async () => {
  const make = (name: string, Test: string[]) =>
    ask(daemon.socket, 'POST', `/v1.45/containers/create?name=${name}`, {
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      Healthcheck: { Test, Interval: 100_000_000, Retries: 1 },
    });
  await make('absent', ['CMD', '/nope']);
  await make('unknown', ['WHAT', 'ever']);
  await make('none', ['NONE']);
  await ok`start absent unknown none`;
  const { Log } = await until(is('unhealthy'), 'absent');
  assert.equal(Log![0]!.ExitCode, -1);
  assert.match(
    Log![0]!.Output,
    /^OCI runtime exec failed: exec failed: unable to start container process: exec: "\/nope": stat \/nope: no such file or directory/,
  );
  assert.equal(await health('unknown'), null);
  assert.match(daemon.log(), /unknown kind of health check/);
  assert.equal(await health('none'), null);
  assert.doesNotMatch(await status('none'), /health/);
});

test('the start period forgives failures, looks oftener, and ends with a success', async () => {
  await box(
    ...CHECK,
    '--health-interval',
    '10m',
    '--health-start-interval',
    '50ms',
    '--health-start-period',
    '10m',
    '--health-retries',
    '1',
  );
  const patient = await until(({ Log }) => Log!.length >= 3);
  assert.deepEqual([patient.Status, patient.FailingStreak], ['starting', 0]);
  await ok`exec box touch /ok`;
  await until(is('healthy'));
});

test('the image has one; create takes parts of it over, or does without', async () => {
  await ok`run -d --name inherits checked`;
  await ok`run -d --name own --health-cmd ${'echo own >&2'} checked`;
  await ok`run -d --name without --no-healthcheck checked`;
  assert.match((await until(is('healthy'), 'inherits')).Log![0]!.Output, /^from the image$/m);
  const own = (await until(is('healthy'), 'own')).Log![0]!.Output;
  assert.match(own, /^own$/m);
  assert.match(own, /^\+ /m, "the image's shell runs it");
  assert.equal(await health('without'), null);
});

test('paused and ended containers are not looked at; a start begins anew', async () => {
  await box('--health-cmd', 'echo again', '--health-interval', '100ms');
  await until(is('healthy'));
  await ok`pause box`;
  assert.match(await status(), /\(Paused\)$/);
  const paused = await health();
  assert.equal(paused.Status, 'unhealthy');
  await sleep(300);
  assert.deepEqual(await health(), paused);
  await ok`unpause box`;
  await until(is('healthy'));
  await ok`stop -t 0 box`;
  const ended = await health();
  assert.equal(ended.Status, 'unhealthy');
  assert.ok(ended.Log!.length > 0);
  assert.equal(await ok`ps -aq --filter health=unhealthy --filter name=box`, await ok`ps -aq`);
  await ok`start box`;
  assert.ok(['starting', 'healthy'].includes((await health()).Status));
  await until(is('healthy'));
});

describe('kill -9 of the engine', () => {
  test('what is known stays known, and the looks go on', async () => {
    await box(...CHECK, '--health-retries', '2');
    const before = await until(is('unhealthy'));
    await killEngine(daemon);
    const now = await health();
    assert.equal(now.Status, 'unhealthy');
    assert.ok(now.FailingStreak >= before.FailingStreak);
    assert.ok(now.Log!.length > 0);
    await ok`exec box touch /ok`;
    await until(is('healthy'));
  });

  test('in the middle of a look: it is ended with what it has started, and the next one is made', async () => {
    await box(
      '--health-cmd',
      '[ -e /looked ] && exit 0; touch /looked; sleep 5432; true',
      '--health-interval',
      '100ms',
      '--health-timeout',
      '10m',
    );
    const id = await ok`inspect -f ${'{{.Id}}'} box`;
    while (!/\d +sleep 5432$/m.test(await ok`top box`)) await sleep(20);
    await killEngine(daemon);
    await until(is('healthy'));
    assert.doesNotMatch(await ok`top box`, /sleep 5432/);
    for (let left = [0]; left.length > 0; await sleep(20))
      left = await processesNaming('wherry-monitor', id, '/execs/');
    while ((await ok`inspect -f ${'{{json .ExecIDs}}'} box`) !== 'null') await sleep(10);
  });
});
