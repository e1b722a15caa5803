/** What the engine says of what it does: the events of dockerd, in its order. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { engineTime } from '#test/support/events.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  time: number;
  timeNano: number;
}

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

/** The events of `work`, from beginning to end. */
async function eventsOf(work: () => Promise<unknown>): Promise<Event[]> {
  const since = await now();
  await work();
  const lines = await ok`events --since ${since} --until ${await now()} --format ${'{{json .}}'}`;
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event);
}

const now = () => engineTime(daemon);

/** Resolves when so many of these events of a container have happened; an exec's end is told beside its client's. */
async function untilTold(container: string, action: string, count = 1): Promise<void> {
  const filters = ['--filter', `container=${container}`, '--filter', `event=${action}`];
  while ((await ok`events --since 0 --until ${await now()} ${filters}`).split(`container ${action} `).length <= count);
}

const told = (events: Event[]) => events.map(({ Type, Action }) => `${Type} ${Action}`);

const RUN = ['container create', 'container attach', 'network connect', 'container start'];
const END = ['network disconnect', 'container die'];

test('run --rm, however quick the program is', async () => {
  for (let round = 0; round < 5; round++) {
    const events = await eventsOf(() => ok`run --rm --name quick --label a=b busybox true`);
    assert.deepEqual(told(events), [...RUN, ...END, 'container destroy']);
    const times = events.map(({ timeNano }) => timeNano);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    const die = events.find(({ Action }) => Action === 'die')!;
    assert.deepEqual(die.Actor.Attributes, {
      a: 'b',
      execDuration: '0',
      exitCode: '0',
      image: 'busybox',
      name: 'quick',
    });
    const connect = events.find(({ Action }) => Action === 'connect')!;
    assert.deepEqual(connect.Actor.Attributes, { container: die.Actor.ID, name: 'bridge', type: 'bridge' });
  }
});

test('create, start, stop, restart, kill, rm', async () => {
  assert.deepEqual(told(await eventsOf(() => ok`create --name steps busybox sleep 1000`)), ['container create']);
  const start = ['network connect', 'container start'];
  assert.deepEqual(told(await eventsOf(() => ok`start steps`)), start);
  const stop = ['container kill', 'container kill', ...END, 'container stop'];
  const stopped = await eventsOf(() => ok`stop -t 0 steps`);
  assert.deepEqual(told(stopped), stop);
  assert.deepEqual(
    stopped.slice(0, 2).map(({ Actor }) => Actor.Attributes.signal),
    ['15', '9'],
  );
  await ok`start steps`;
  const restarted = await eventsOf(() => ok`restart -t 0 steps`);
  assert.deepEqual(told(restarted), [...stop, ...start, 'container restart']);
  assert.deepEqual(told(await eventsOf(() => ok`kill steps`)), ['container kill', ...END]);
  assert.deepEqual(told(await eventsOf(() => ok`rm steps`)), ['container destroy']);
});

test('rm -f, and starts that fail', async () => {
  await ok`run -d --name forced busybox sleep 1000`;
  assert.deepEqual(told(await eventsOf(() => ok`rm -f forced`)), ['container kill', ...END, 'container destroy']);
  const failed = await eventsOf(() => daemon.docker(words`run --rm busybox no-such-program`));
  assert.deepEqual(told(failed), [...RUN.slice(0, 3), 'network disconnect', 'container destroy']);
});

test('volumes', async () => {
  const [use, leave] = [words`${'volume mount'} ${'volume mount'}`, words`${'volume unmount'} ${'volume unmount'}`];
  const events = await eventsOf(() => ok`run --rm -v named:/data -v /anonymous busybox true`);
  const [create, attach, connect, start] = RUN;
  assert.deepEqual(told(events), [
    ...['volume create', 'volume create', create, attach, connect, ...use, start],
    ...['network disconnect', ...leave, 'container die', 'volume destroy', 'container destroy'],
  ]);
  const mounted = events.find(({ Action, Actor }) => Action === 'mount' && Actor.ID === 'named')!;
  const container = events.at(-1)!.Actor.ID;
  const how = { destination: '/data', propagation: '', 'read/write': 'true' };
  assert.deepEqual(mounted.Actor.Attributes, { container, driver: 'local', ...how });
  assert.deepEqual(told(await eventsOf(() => ok`volume rm named`)), ['volume destroy']);
});

test('networks none and host have drivers of their own', async () => {
  for (const [name, type] of [
    ['none', 'null'],
    ['host', 'host'],
  ] as const) {
    const events = await eventsOf(() => ok`run --rm --network ${name} busybox true`);
    const { container, ...rest } = events.find(({ Type }) => Type === 'network')!.Actor.Attributes;
    assert.deepEqual(rest, { name, type });
    assert.equal(container, events.at(-1)!.Actor.ID);
  }
});

test('images: load, tag, untag, delete', async () => {
  const load = async () => ok`load -q -i ${await busyboxArchive()}`;
  const id = await ok`inspect -f ${'{{.Id}}'} busybox`;
  const events = await eventsOf(async () => {
    await load();
    await ok`tag busybox other:v1`;
    await ok`rmi other:v1`;
    await ok`rmi busybox`;
    await load();
  });
  assert.deepEqual(
    told(events),
    ['load', 'tag', 'untag', 'untag', 'delete', 'load'].map((action) => `image ${action}`),
  );
  for (const { Actor } of events) assert.equal(Actor.ID, id);
  const names = events.map(({ Actor }) => Actor.Attributes.name);
  assert.deepEqual(names, [id, 'other:v1', id, id, id, id]);
});

test('everything that is done to a container', async () => {
  const actions = async (work: () => Promise<unknown>) =>
    (await eventsOf(work)).filter(({ Type }) => Type === 'container').map(({ Action }) => Action);
  await ok`run -d --name all busybox sleep 1000`;
  assert.deepEqual(await actions(() => ok`exec all echo a b`), [
    ...['exec_create: echo a b', 'exec_start: echo a b', 'exec_die'],
  ]);
  assert.deepEqual(await actions(() => ok`pause all`), ['pause']);
  assert.deepEqual(await actions(() => ok`unpause all`), ['unpause']);
  assert.deepEqual(await actions(() => ok`top all`), ['top']);
  assert.deepEqual(await actions(() => ok`update -m 64m --memory-swap -1 all`), ['update']);
  assert.deepEqual(await actions(() => ok`cp /etc/hostname all:/tmp/x`), ['extract-to-dir']);
  assert.deepEqual(await actions(() => ok`cp all:/tmp/x -`), ['archive-path']);
  assert.deepEqual(await actions(() => daemon.docker(['export', '-o', '/dev/null', 'all'])), []);
  assert.deepEqual(await actions(() => ok`export -o ${daemon.folder}/all.tar all`), ['export']);
  assert.deepEqual(await actions(() => ok`commit --pause=false -m why all made:x`), ['commit']);
  const [commit] = (await eventsOf(() => ok`commit --pause=false -m why all made:x`)).filter(
    ({ Action }) => Action === 'commit',
  );
  const { comment, imageID, imageRef } = commit!.Actor.Attributes;
  assert.deepEqual([comment, imageID, imageRef], ['why', await ok`inspect -f ${'{{.Id}}'} made:x`, 'made:x']);
  const [rename] = await eventsOf(() => ok`rename all renamed`);
  assert.equal(rename!.Action, 'rename');
  assert.deepEqual([rename!.Actor.Attributes.name, rename!.Actor.Attributes.oldName], ['renamed', '/all']);
  const copy = { Resource: '/tmp/x' };
  assert.deepEqual(await actions(() => ask(daemon.socket, 'POST', '/v1.20/containers/renamed/copy', copy)), ['copy']);
  assert.deepEqual(await actions(() => ask(daemon.socket, 'POST', '/v1.45/containers/renamed/resize?h=10&w=20')), [
    'resize',
  ]);
  await ok`rm -f renamed`;
  await ok`create --name gone busybox`;
  assert.deepEqual(await actions(() => ok`container prune -f`), ['destroy', 'prune']);
});

test('processes that are killed for want of memory: the first one, and one of an exec', async () => {
  const limits = ['-m', '24m', '--memory-swap', '24m'];
  const state = (name: string) =>
    ok`inspect -f ${'{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Running}}'} ${name}`;
  const main = (
    await eventsOf(() => daemon.docker(['run', '--name', 'eats', ...limits, 'busybox', 'tail', '/dev/zero']))
  )
    .filter(({ Type }) => Type === 'container')
    .map(({ Action }) => Action);
  assert.deepEqual(main, ['create', 'attach', 'start', 'oom', 'die']);
  assert.equal(await state('eats'), 'true 137 false');

  await ok`run -d --name feeds ${limits} busybox sleep 1000`;
  const executed = await eventsOf(async () => {
    assert.equal((await daemon.docker(['exec', 'feeds', 'tail', '/dev/zero'])).code, 137);
    await untilTold('feeds', 'exec_die');
  });
  assert.deepEqual(
    executed.map(({ Action }) => Action),
    ['exec_create: tail /dev/zero', 'exec_start: tail /dev/zero', 'oom', 'exec_die'],
  );
  assert.equal(executed.at(-1)!.Actor.Attributes.exitCode, '137');
  assert.equal(await state('feeds'), 'true 0 true');
  const killed = await eventsOf(async () => {
    await daemon.docker(['exec', 'feeds', 'sh', '-c', 'kill -9 $$']);
    await untilTold('feeds', 'exec_die', 2);
  });
  assert.equal(
    killed.some(({ Action }) => Action === 'oom'),
    false,
  );
  const ended = (await eventsOf(() => ok`stop -t 0 feeds`)).map(({ Action }) => Action);
  assert.equal(ended.filter((action) => action === 'oom').length, 0);
  await ok`start feeds`;
  assert.equal(await state('feeds'), 'false 0 true');
  await ok`rm -f eats feeds`;
});

test('a process that is killed for want of memory while its container lives on', async () => {
  const limits = ['-m', '24m', '--memory-swap', '24m'];
  const oomsOf = async (work: () => Promise<unknown>) =>
    (await eventsOf(work)).filter(({ Action }) => Action === 'oom').length;
  const started = await oomsOf(async () => {
    await ok`run -d --name lives ${limits} busybox sh -c ${'tail /dev/zero; exec sleep 1000'}`;
    await untilTold('lives', 'oom');
  });
  assert.equal(started, 1);
  assert.equal(await ok`inspect -f ${'{{.State.OOMKilled}} {{.State.Running}}'} lives`, 'true true');
  assert.equal(await oomsOf(() => ok`rm -f lives`), 0);
});

test('an engine tells what the one before has told', async () => {
  const since = await now();
  const told = async () => ok`events --since ${since} --until ${await now()} --format ${'{{json .}}'}`;
  await ok`run --rm --name before --label a=b busybox true`;
  const before = await told();
  assert.ok(before.includes('"before"'));
  process.kill(await daemon.enginePid(), 'SIGKILL');
  await daemon.ready();
  assert.equal(await told(), before);
  await daemon.stop();
  await daemon.start();
  assert.equal(await told(), before);
});

test('filters choose, and an unknown one is refused', async () => {
  const since = await now();
  await ok`run --rm --name chosen --label colour=red busybox true`;
  await ok`run --rm --name other busybox true`;
  const until = await now();
  const chosen = async (...filters: string[]) => {
    const flags = filters.flatMap((filter) => ['--filter', filter]);
    const text =
      await ok`events --since ${since} --until ${until} --format ${'{{.Action}} {{.Actor.Attributes.name}}'} ${flags}`;
    return text.split('\n');
  };
  assert.deepEqual(await chosen('event=start'), ['start chosen', 'start other']);
  assert.deepEqual(await chosen('label=colour=red', 'event=die'), ['die chosen']);
  assert.deepEqual(await chosen('type=network', 'event=connect'), ['connect bridge', 'connect bridge']);
  assert.deepEqual(await chosen('container=other', 'event=create', 'event=destroy'), ['create other', 'destroy other']);
  const { stderr } = await daemon.docker(words`events --since 0 --until ${until} --filter colour=red`);
  assert.match(stderr, /invalid filter 'colour'/);
});
