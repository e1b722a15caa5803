/** Many containers at a time, and one that is stuck: nobody waits for another's container. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { monitorOf } from '#test/support/processes.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
/** While it exists, the runtime `gated` does not create containers. */
let gate: string;

before(async () => {
  daemon = await startDaemon();
  gate = join(daemon.folder, 'closed');
  const runtime = join(daemon.folder, 'gated-runtime');
  const wait = `case " $* " in *" create "* | *" run "*) while [ -e '${gate}' ]; do sleep 0.02; done;; esac`;
  await writeFile(runtime, `#!/bin/sh\n${wait}\nexec runc "$@"\n`);
  await chmod(runtime, 0o755);
  await daemon.stop();
  await daemon.start(['--add-runtime', `gated=${runtime}`]);
});
after(() => daemon.close());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));

/** Runs `work`, which must be over before `stuck` is. */
async function meanwhile(stuck: Promise<unknown>, work: () => Promise<unknown>): Promise<void> {
  let over = false;
  void stuck.finally(() => (over = true)).catch(() => {});
  await work();
  assert.equal(over, false, 'what was to be stuck was not');
}

/** What others do: none of it is about the container that is stuck, but all of it sees that container. */
async function everydayWork(stuck: string): Promise<void> {
  assert.match(await ok`ps -a --format {{.Names}}`, new RegExp(`^${stuck}$`, 'm'));
  assert.equal(await ok`inspect -f {{.Name}} ${stuck}`, `/${stuck}`);
  assert.match(await ok`images --format {{.Repository}}`, /busybox/);
  assert.match(await ok`info -f {{.ContainersRunning}}`, /^\d+$/);
  assert.equal(await ok`run --rm busybox echo fine`, 'fine');
  assert.equal(await ok`logs ${stuck}`, '');
  await ok`run -d --name other busybox sleep 1000`;
  await ok`restart -t 0 other`;
  await ok`rm -f other`;
}

test('a start that is stuck in the runtime keeps nobody waiting', async () => {
  await writeFile(gate, '');
  const starting = ok`run -d --runtime gated --name gated busybox sleep 1000`;
  while ((await ok`ps -aq --filter name=gated`) === '') await sleep(10);
  await meanwhile(starting, () => everydayWork('gated'));
  await rm(gate);
  await starting;
  assert.equal(await ok`inspect -f {{.State.Status}} gated`, 'running');
  await ok`rm -f gated`;
});

test('a monitor that does not answer keeps nobody waiting, and goes on when it can', async () => {
  const id = await ok`run -d --name frozen busybox sleep 1000`;
  const monitor = await monitorOf(id);
  process.kill(monitor, 'SIGSTOP');
  const stopping = ok`stop -t 1 frozen`;
  await meanwhile(stopping, () => everydayWork('frozen'));
  process.kill(monitor, 'SIGCONT');
  await stopping;
  assert.match(await ok`inspect -f ${'{{.State.Status}} {{.State.ExitCode}}'} frozen`, /^exited (137|143)$/);
  await ok`rm frozen`;
});

test('50 containers are started at once', async (t) => {
  const names = Array.from({ length: 50 }, (_, index) => `at-once-${index}`);
  const begun = performance.now();
  await Promise.all(names.map((name) => ok`run -d --name ${name} busybox sleep 1000`));
  t.diagnostic(`50 times docker run -d at once: ${Math.round(performance.now() - begun)} ms`);
  assert.deepEqual((await ok`ps --format {{.Names}}`).split('\n').sort(), names.toSorted());
  const format = '{{.State.Running}} {{.NetworkSettings.IPAddress}}';
  const states = (await ok`inspect -f ${format} ${names}`).split('\n');
  assert.equal(new Set(states).size, 50, 'addresses are their own');
  assert.ok(states.every((state) => /^true 172\.\d+\.\d+\.\d+$/.test(state)));
  await ok`rm -f ${names}`;
});

test('an engine killed under 200 containers is back with all of them', async (t) => {
  const api = async (method: string, path: string, body?: object) => {
    const answer = await ask(daemon.socket, method, path, body);
    assert.ok(answer.status < 300, answer.text);
    return answer;
  };
  const start = async (name: string, script: string) => {
    await api('POST', `/containers/create?name=${name}`, { Image: 'busybox', Cmd: ['sh', '-c', script] });
    await api('POST', `/containers/${name}/start`);
  };
  await start('counter', 'i=0; while :; do echo $i; i=$((i + 1)); usleep 5000; done');
  const names = Array.from({ length: 199 }, (_, index) => `many-${index}`);
  const todo = [...names];
  const worker = async () => {
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) await start(name, 'exec sleep 1000');
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  const rss = async (pid: number) => Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
  const engine = await daemon.enginePid();
  t.diagnostic(`with 200 containers: engine ${await rss(engine)} KiB, launcher ${await rss(daemon.launcherPid())} KiB`);
  const seen = (await ok`logs counter`).split('\n').length;

  const killed = performance.now();
  process.kill(engine, 'SIGKILL');
  await api('GET', '/_ping');
  const pinged = performance.now();
  const listed = JSON.parse((await api('GET', '/containers/json')).text) as { State: string }[];
  const known = performance.now();
  assert.equal(listed.length, 200);
  assert.ok(listed.every(({ State }) => State === 'running'));
  assert.notEqual(await daemon.enginePid(), engine);

  const follow = spawn('docker', ['-H', daemon.host, 'logs', '-f', 'counter'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let log = '';
  follow.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(follow, 'close');
  while (log.split('\n').length < seen + 50) await once(follow.stdout, 'data');
  const followed = performance.now();
  const [ping, ps, logs] = [pinged, known, followed].map((time) => Math.round(time - killed));
  t.diagnostic(`after kill -9: /_ping ${ping} ms, ps with 200 ${ps} ms, 50 new lines of logs -f ${logs} ms`);
  await ok`stop -t 0 counter`;
  await ended;
  const lines = log.trimEnd().split('\n');
  assert.deepEqual(
    lines,
    lines.map((_, index) => String(index)),
  );
  assert.ok(lines.length > seen);
  t.diagnostic(`then: engine ${await rss(await daemon.enginePid())} KiB`);
  await ok`rm -f counter ${names}`;
});
