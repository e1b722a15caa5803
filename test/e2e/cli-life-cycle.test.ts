/** From create to rm, with everything that is asked about a container in between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withEachClient } from '#test/support/each-client.ts';
import type { OneDaemon } from '#test/support/one-daemon.ts';
import { words } from '#test/support/words.ts';

const state = (cli: OneDaemon, name: string) =>
  cli.ok`inspect -f ${'{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}'} ${name}`;

async function untilLog(cli: OneDaemon, name: string, text: string): Promise<void> {
  while ((await cli.ok`logs ${name}`) !== text) await sleep(20);
}

withEachClient((cli) => {
  test('create, start, ps, inspect, logs, stop, start, restart, kill, wait, rm', async () => {
    const id = await cli.ok`create --name life --label a=b busybox sh -c ${'echo hello; sleep 1000'}`;
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(await state(cli, 'life'), 'created 0 0');
    await cli.ok`start life`;
    assert.match(await cli.ok`ps --format ${'{{.Names}} {{.Image}} {{.Status}}'}`, /^life busybox Up /);
    assert.equal(await cli.ok`ps -q --filter label=a=b --no-trunc`, id);
    assert.equal(await cli.ok`ps -q --filter label=a=c`, '');
    await untilLog(cli, 'life', 'hello');
    const started = await cli.ok`inspect -f ${'{{.State.StartedAt}} {{.State.Pid}}'} ${id.slice(0, 8)}`;
    await cli.ok`stop -t 0 life`;
    assert.equal(await state(cli, 'life'), 'exited 137 0');
    assert.match(await cli.ok`ps -a --filter exited=137 --format ${'{{.Status}}'}`, /^Exited \(137\)/);
    await cli.ok`start life`;
    await cli.ok`restart -t 0 life`;
    assert.notEqual(await cli.ok`inspect -f ${'{{.State.StartedAt}} {{.State.Pid}}'} life`, started);
    await untilLog(cli, 'life', 'hello\nhello\nhello');
    assert.equal(await cli.ok`logs --tail 1 life`, 'hello');
    const waiting = cli.ok`wait life`;
    await sleep(200);
    await cli.ok`kill -s KILL life`;
    assert.equal(await waiting, '137');
    await cli.ok`rm life`;
    assert.match(await cli.fails`inspect life`, /No such (object|container): life/i);
  });

  test('stop sends the stop signal and gives time', async () => {
    const script = 'trap "echo got it; exit 3" USR1; echo ready; while :; do sleep 0.05; done';
    await cli.ok`run -d --name polite --stop-signal USR1 busybox sh -c ${script}`;
    await untilLog(cli, 'polite', 'ready');
    await cli.ok`stop polite`;
    assert.equal(await state(cli, 'polite'), 'exited 3 0');
    assert.equal(await cli.ok`logs polite`, 'ready\ngot it');
    await cli.ok`rm polite`;
  });

  test('conflicts and unknown names have docker’s words', async () => {
    await cli.ok`create --name taken busybox`;
    const conflict = /Conflict\. The container name "\/taken" is already in use by container "[0-9a-f]{64}"/;
    assert.match(await cli.fails`create --name taken busybox`, conflict);
    assert.match(await cli.fails`start nobody`, /No such container: nobody/);
    assert.match(await cli.fails`create --name x busybox`, /Invalid container name \(x\)/);
    assert.match(await cli.fails`kill taken`, /is not running/);
    await cli.ok`start taken`;
    await cli.ok`rm -f taken`;
  });

  test('a running container is not removed without force', async () => {
    await cli.ok`run -d --name busy busybox sleep 1000`;
    assert.match(await cli.fails`rm busy`, /container is running/);
    await cli.ok`rm -f busy`;
    assert.equal(await cli.ok`ps -aq`, '');
  });

  test('logs: follow, tail, since, timestamps', async () => {
    await cli.ok`run -d --name talker busybox sh -c ${'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done'}`;
    assert.equal(await cli.ok`logs -f talker`, '1\n2\n3\n4\n5');
    assert.equal(await cli.ok`logs --tail 2 talker`, '4\n5');
    assert.match(await cli.ok`logs -t --tail 1 talker`, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 5$/);
    const third = (await cli.ok`logs -t talker`).split('\n')[2]!.split(' ')[0]!;
    assert.equal(await cli.ok`logs --since ${third} talker`, '3\n4\n5');
    assert.equal(await cli.ok`logs --until ${third} talker`, '1\n2\n3');
    await cli.ok`rm talker`;
  });

  test('attach to a running container', async () => {
    await cli.ok`run -d -i --name echo busybox sh -c ${'while read l; do echo "got $l"; done'}`;
    const attached = cli.run(words`attach echo`, { input: 'one\ntwo\n' });
    await untilLog(cli, 'echo', 'got one\ngot two');
    await cli.ok`rm -f echo`;
    assert.equal((await attached).stdout, 'got one\ngot two\n');
  });

  test('ps: what filters select', async () => {
    await cli.ok`run -d --name running-one --label kind=a busybox sleep 1000`;
    await cli.ok`run --name ended-one --label kind=b -p 1234 busybox true`;
    await cli.ok`create --name created-one busybox true`;
    const names = async (...filters: string[]) =>
      (await cli.ok`ps -a --format ${'{{.Names}}'} ${filters.flatMap((filter) => ['--filter', filter])}`).split('\n');
    assert.deepEqual(await names(), ['created-one', 'ended-one', 'running-one']);
    assert.deepEqual(await names('status=running'), ['running-one']);
    assert.deepEqual(await names('status=created', 'status=exited'), ['created-one', 'ended-one']);
    assert.deepEqual(await names('label=kind'), ['ended-one', 'running-one']);
    assert.deepEqual(await names('name=ended'), ['ended-one']);
    assert.deepEqual(await names('name=^ended$'), ['']);
    assert.deepEqual(await names('exited=0'), ['ended-one']);
    assert.deepEqual(await names('before=created-one'), ['ended-one', 'running-one']);
    assert.deepEqual(await names('since=ended-one'), ['created-one']);
    assert.deepEqual(await names('ancestor=busybox', 'name=one'), ['created-one', 'ended-one', 'running-one']);
    assert.deepEqual(await names('network=bridge', 'status=running'), ['running-one']);
    assert.deepEqual((await cli.ok`ps -n 1 --format ${'{{.Names}}'}`).split('\n'), ['created-one']);
    await cli.ok`rm -f running-one ended-one created-one`;
  });
});
