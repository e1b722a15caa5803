/** Restart policies as dockerd has them: who is started again, when, what is said of it, and who may interfere. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '#test/support/ask.ts';
import { eventsOf } from '#test/support/events.ts';
import { killEngine } from '#test/support/faults.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { reboot } from '#test/support/reboot.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon();
const { ok, fails } = engine;
afterEach(() => engine.daemon.removeContainers());

const STATE = '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}';
/** `status exit-code restarts` */
const state = (name: string) => ok`inspect -f ${STATE} ${name}`;
async function until(name: string, wanted: RegExp): Promise<string> {
  for (;;) {
    const now = await state(name);
    if (wanted.test(now)) return now;
    await sleep(20);
  }
}

/** Fails `times` times, then stays. */
const failing = (times: number) => [
  ...['sh', '-c', `echo x >>/runs; [ $(wc -l </runs) -gt ${times} ] && exec sleep 1000; exit 3`],
];
/** Fails always: a container that waits, after some restarts, for long enough to look at it. */
async function waiting(name: string, policy = 'always'): Promise<void> {
  await ok`run -d --name ${name} --restart ${policy} busybox sh -c ${'exit 3'}`;
  await until(name, /^restarting 3 [5-9]$/);
}

/** Looks at a container that waits; a look that outlasts the wait is repeated in the next one, which is twice as long. */
async function whileWaiting(name: string, look: () => Promise<void>): Promise<void> {
  for (;;) {
    const before = await until(name, /^restarting/);
    const seen = await look().catch((error: unknown) => ({ error }));
    if ((await state(name)) !== before) continue;
    if (seen) throw seen.error;
    return;
  }
}

test('always: started again until it runs, each time a little later; a start by a user counts anew', async () => {
  const events = await eventsOf(
    engine.daemon,
    async () => {
      await ok`run -d --name again --restart always busybox ${failing(3)}`;
      await until('again', /^running 0 3$/);
    },
    { filters: ['container=again'], show: ['exitCode'] },
  );
  const run = ['container start exitCode=undefined', 'container die exitCode=3'];
  const created = 'container create exitCode=undefined';
  assert.deepEqual(events, [created, ...run, ...run, ...run, 'container start exitCode=undefined']);
  assert.equal((await ok`exec again cat /runs`).length, 7);
  await ok`restart -t 0 again`;
  assert.equal(await state('again'), 'running 0 0');
});

test('on-failure:N: so often and no more, and not after a success', async () => {
  await ok`run -d --name twice --restart on-failure:2 busybox sh -c ${'exit 3'}`;
  await ok`run -d --name done --restart on-failure busybox true`;
  assert.equal(await until('twice', /^exited/), 'exited 3 2');
  assert.equal(await until('done', /^exited/), 'exited 0 0');
  assert.match(
    await fails`run --rm --restart always busybox true`,
    /Conflicting options: --restart and --rm|can't create 'AutoRemove'/,
  );
});

test('waiters, followers of the log and attached clients are told of each end', async () => {
  const { code, stdout } = await engine.daemon.docker(
    words`run --name told --restart always busybox sh -c ${'echo hi; exit 3'}`,
  );
  assert.deepEqual([code, stdout], [3, 'hi\n']);
  await until('told', /^restarting 3 [3-9]$/);
  const nextExit = ask(engine.daemon.socket, 'POST', '/v1.45/containers/told/wait?condition=next-exit');
  const stopped = ask(engine.daemon.socket, 'POST', '/v1.45/containers/told/wait?condition=not-running');
  assert.equal(JSON.parse((await nextExit).text).StatusCode, 3);
  assert.equal(JSON.parse((await stopped).text).StatusCode, 3);
});

describe('while it waits', () => {
  test('it counts as running, without a process', async () => {
    await waiting('idle');
    await whileWaiting('idle', async () => {
      const shown = await ok`inspect -f ${'{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}'} idle`;
      assert.equal(shown, 'true true 0');
      assert.match(await ok`ps --format ${'{{.State}} {{.Status}}'}`, /^restarting Restarting \(3\) .* ago$/);
      assert.match(await ok`ps -q --filter status=restarting`, /^[0-9a-f]{12}$/);
      assert.equal(await ok`info -f ${'{{.ContainersRunning}} {{.ContainersStopped}}'}`, '0 1');
      await ok`start idle`;
      for (const verb of ['pause', 'top', 'exec']) {
        const error = await fails`${verb} idle ${verb === 'exec' ? ['true'] : []}`;
        assert.match(error, /Container [0-9a-f]{64} is restarting, wait until the container is running/);
      }
      const attach = await ask(engine.daemon.socket, 'POST', '/containers/idle/attach?stream=1&stdout=1');
      assert.equal(attach.status, 409);
      assert.match(await fails`rm idle`, /container is restarting: stop the container before removing or force remove/);
      await ok`container prune -f`;
      assert.match(await fails`rmi busybox`, /is using|being used/);
    });
  });

  const verbs: [string, string[], string[]][] = [
    ['stop', ['stop', 'held'], ['container stop']],
    ['kill', ['kill', 'held'], []],
    ['a signal', ['kill', '-s', 'USR1', 'held'], []],
  ];
  for (const [title, verb, expected] of verbs) {
    test(`${title} ends the waiting, at once and for good`, async () => {
      await waiting('held');
      assert.deepEqual(await eventsOf(engine.daemon, () => engine.daemon.ok(verb)), expected);
      assert.match(await state('held'), /^exited 3/);
      await killEngine(engine.daemon);
      assert.match(await state('held'), /^exited 3/);
      await ok`start held`;
      await until('held', /^restarting 3 [1-9]/);
    });
  }

  test('rm -f removes it, restart starts it now, update leaves it be', async () => {
    await waiting('held');
    await ok`update --restart no held`;
    assert.match(await state('held'), /^restarting/);
    assert.match(await until('held', /^exited/), /^exited 3/);
    await ok`update --restart always held`;
    await ok`start held`;
    await until('held', /^restarting 3 [5-9]$/);
    const events = await eventsOf(engine.daemon, () => ok`restart held`, { filters: ['type=container'] });
    const ours = events.filter((event) => event !== 'container die'); // it may end before `restart` is told of
    assert.deepEqual(ours.slice(0, 3), ['container stop', 'container start', 'container restart']);
    await until('held', /^restarting/);
    await ok`rm -f held`;
    assert.match(await fails`inspect held`, /No such/);
  });

  test('kill -9 of the engine: it is started when it was due, and counts on', async () => {
    await ok`run -d --name held --restart on-failure:7 busybox sh -c ${'echo x; exit 3'}`;
    await until('held', /^restarting 3 5$/);
    await killEngine(engine.daemon);
    assert.match(await state('held'), /^restarting 3 5$/);
    assert.equal(await until('held', /^exited/), 'exited 3 7');
    assert.equal((await ok`logs held`).split('\n').length, 8);
  });

  test('one that cannot be started any more has exited, and says why', async () => {
    await ok`run -d --name broken --restart always busybox sh -c ${'rm /bin/sh; exit 4'}`;
    assert.equal(await until('broken', /^exited/), 'exited 4 1');
    assert.match(await ok`inspect -f ${'{{.State.Error}}'} broken`, /"sh": executable file not found in \$PATH/);
  });
});

test('stopped while it runs: no policy starts it again, not even if the engine dies before it has ended', async () => {
  const script = 'trap "sleep 1; exit 5" TERM; echo on; while :; do sleep 0.1; done';
  await ok`run -d --name slow --restart unless-stopped busybox sh -c ${script}`;
  while ((await ok`logs slow`) !== 'on') await sleep(20);
  const stopping = engine.daemon.docker(['stop', 'slow']);
  for (let asked = ''; asked === ''; await sleep(10)) {
    asked = await ok`events --since 1m --until 0s --filter event=kill --format ${'{{.ID}}'}`;
  }
  await killEngine(engine.daemon);
  await stopping;
  assert.equal(await until('slow', /^exited/), 'exited 5 0');
});

test('restart of a container with --rm keeps it', async () => {
  await ok`run -d --rm --name kept busybox sleep 1000`;
  await ok`restart -t 0 kept`;
  assert.equal(await state('kept'), 'running 0 0');
  await ok`kill kept`;
  assert.match(await fails`inspect kept`, /No such/);
});

/** One of each policy, running, and some that a user has stopped. */
async function population(): Promise<void> {
  const policies = ['no', 'always', 'unless-stopped', 'on-failure'];
  for (const policy of policies) {
    await ok`run -d --name runs-${policy} --restart ${policy} busybox sleep 1000`;
    await ok`run -d --name stopped-${policy} --restart ${policy} busybox sleep 1000`;
  }
  await ok`stop -t 0 ${policies.map((policy) => `stopped-${policy}`)}`;
  await ok`create --name fresh --restart always busybox sleep 1000`;
  await ok`run -d --rm --name vanishes busybox sleep 1000`;
  await ok`create --rm --name unborn busybox sleep 1000`;
}

async function states(): Promise<Record<string, string>> {
  const rows = (await ok`ps -a --format ${'{{.Names}} {{.Status}}'}`).split('\n');
  const short = (text: string) => text.replace(/^Up .*/, 'up').replace(/ (Less|About|\d).*/, '');
  return Object.fromEntries(rows.map((row) => [row.split(' ')[0]!, short(row.slice(row.indexOf(' ') + 1))]));
}

async function untilSettled(): Promise<Record<string, string>> {
  for (;;) {
    const all = await states();
    if (!Object.values(all).some((status) => status.startsWith('Restarting'))) return all;
    await sleep(20);
  }
}

test('the machine restarts: who has a policy is started, whoever stopped it as dockerd sees it, --rm ones are gone', async () => {
  await population();
  await ok`run -d --name zz-db --restart always busybox sleep 1000`;
  await ok`run -d --name aa-web --restart always --link zz-db:db busybox sleep 1000`;
  await ok`run -d --name aa-side --restart always --network container:zz-db busybox sleep 1000`;
  await reboot(engine.daemon);
  assert.deepEqual(await untilSettled(), {
    ...{ 'runs-no': 'Exited (255)', 'stopped-no': 'Exited (137)', fresh: 'Created' },
    ...{ 'runs-always': 'up', 'stopped-always': 'up', 'runs-unless-stopped': 'up' },
    ...{ 'stopped-unless-stopped': 'Exited (137)', 'runs-on-failure': 'up', 'stopped-on-failure': 'up' },
    ...{ 'zz-db': 'up', 'aa-web': 'up', 'aa-side': 'up' },
  });
  assert.match(await ok`inspect -f ${'{{.State.Error}}'} runs-no`, /the machine was restarted while it ran/);
  assert.equal(await state('runs-always'), 'running 0 0');
});

test('the daemon restarts: what runs goes on, who was stopped is treated the same', async () => {
  await population();
  const before = await ok`inspect -f ${'{{.State.Pid}}'} runs-no runs-always`;
  await engine.daemon.stop();
  await engine.daemon.start();
  assert.deepEqual(await untilSettled(), {
    ...{ 'runs-no': 'up', 'stopped-no': 'Exited (137)', fresh: 'Created', vanishes: 'up' },
    ...{ 'runs-always': 'up', 'stopped-always': 'up', 'runs-unless-stopped': 'up' },
    ...{ 'stopped-unless-stopped': 'Exited (137)', 'runs-on-failure': 'up', 'stopped-on-failure': 'up' },
  });
  assert.equal(await ok`inspect -f ${'{{.State.Pid}}'} runs-no runs-always`, before);
});

test('another engine of the same daemon starts nobody whom a user has stopped', async () => {
  await population();
  await killEngine(engine.daemon);
  const all = await untilSettled();
  assert.deepEqual(
    [all['stopped-always'], all['stopped-on-failure'], all.unborn],
    ['Exited (137)', 'Exited (137)', 'Created'],
  );
});

for (const [title, start] of [
  ['--live-restore=false', () => engine.daemon.start(['--live-restore=false'])],
  ['the machine shuts down', startOnStoppingHost],
] as const) {
  test(`${title}: stopped with the daemon, by its own stop signal and time, and started with the next one`, async () => {
    await engine.daemon.stop();
    await start();
    const script = 'trap "echo asked; exit 0" USR1; echo on; while :; do sleep 0.05; done';
    const policies = ['no', 'always', 'unless-stopped', 'on-failure'];
    for (const policy of policies) {
      await ok`run -d --name runs-${policy} --restart ${policy} --stop-signal USR1 busybox sh -c ${script}`;
      while ((await ok`logs runs-${policy}`) !== 'on') await sleep(20);
    }
    await engine.daemon.stop();
    await engine.daemon.start();
    assert.deepEqual(await untilSettled(), {
      ...{ 'runs-no': 'Exited (0)', 'runs-always': 'up', 'runs-unless-stopped': 'up', 'runs-on-failure': 'Exited (0)' },
    });
    assert.equal(await ok`logs runs-no`, 'on\nasked');
  });
}

/** With a stand-in for systemctl that says so. */
async function startOnStoppingHost(): Promise<void> {
  const folder = join(engine.daemon.folder, 'bin');
  await mkdir(folder);
  await writeFile(join(folder, 'systemctl'), '#!/bin/sh\necho stopping\nexit 1\n');
  await chmod(join(folder, 'systemctl'), 0o755);
  await engine.daemon.start([], { PATH: `${folder}:${process.env.PATH}` });
}
