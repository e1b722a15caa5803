/** daemon.json of a running daemon: what SIGHUP makes it take over, and what a wrong file does not do to it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '#test/support/ask.ts';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { engineTime } from '#test/support/events.ts';
import { killEngine } from '#test/support/faults.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ flags: ['--log-level', 'info'] });
});
after(() => daemon.close());
afterEach(() => configure({}));

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));
const info = async () => JSON.parse((await ask(daemon.socket, 'GET', '/v1.45/info')).text);

/** Writes daemon.json, sends SIGHUP, and gives what the daemon then says about it. */
async function configure(content: unknown): Promise<string> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(join(daemon.folder, 'daemon.json'), text);
  const before = daemon.log().length;
  process.kill(daemon.launcherPid(), 'SIGHUP');
  for (;;) {
    const said = daemon.log().slice(before);
    if (/the configuration was (not )?reloaded/.test(said)) return said;
    process.kill(daemon.launcherPid(), 0); // a daemon that has ended says nothing more
    await sleep(10);
  }
}

test('what can change does, without another engine, and nobody is cut off', async () => {
  await ok`run -d --name steady busybox sh -c ${'while :; do echo on; sleep 0.1; done'}`;
  const engine = await daemon.enginePid();
  const since = await engineTime(daemon);
  const followed = daemon.docker(words`logs -f steady`);
  const said = await configure({
    labels: ['a=b'],
    'live-restore': false,
    'shutdown-timeout': 20,
    'max-concurrent-downloads': 7,
    'insecure-registries': ['10.0.0.1:5000'],
    'registry-mirrors': ['http://mirror.example'],
    'default-ulimits': { nofile: { Name: 'nofile', Soft: 123, Hard: 456 } },
    'log-opts': { 'max-size': '1m' },
    'default-shm-size': '10m',
  });
  assert.match(said, /level=info msg="the configuration was reloaded" changed="default-shm-size, default-ulimit, /);
  const { Labels, LiveRestoreEnabled, RegistryConfig } = await info();
  assert.deepEqual([Labels, LiveRestoreEnabled], [['a=b'], false]);
  assert.ok(RegistryConfig.Mirrors.some((mirror: string) => mirror.startsWith('http://mirror.example')));
  assert.equal(RegistryConfig.IndexConfigs['10.0.0.1:5000']?.Secure, false);
  assert.equal(
    await ok`run --rm busybox sh -c ${'ulimit -n; ulimit -Hn; df -m /dev/shm | tail -1 | tr -s " " | cut -d" " -f2'}`,
    '123\n456\n10',
  );
  assert.deepEqual(
    JSON.parse(await ok`inspect -f ${'{{json .HostConfig.LogConfig}}'} ${await ok`create busybox true`}`),
    { Type: 'json-file', Config: { 'max-size': '1m' } },
  );
  const [event] = (
    await ok`events --since ${since} --until ${await engineTime(daemon)} --filter type=daemon --format ${'{{json .}}'}`
  ).split('\n');
  const { Action, Actor } = JSON.parse(event!);
  assert.deepEqual([Action, Actor.ID], ['reload', (await info()).ID]);
  assert.equal(Actor.Attributes.labels, '["a=b"]');
  assert.equal(Actor.Attributes['insecure-registries'], '["10.0.0.1:5000"]');
  assert.equal(Actor.Attributes['max-concurrent-downloads'], '7');
  assert.equal(Actor.Attributes['live-restore'], 'false');
  await configure({});
  assert.deepEqual([(await info()).Labels, (await info()).LiveRestoreEnabled], [[], true]);
  assert.equal(await daemon.enginePid(), engine);
  await ok`rm -f steady`;
  assert.equal((await followed).code, 0, 'the log was followed to its end');
});

const WRONG: [string, unknown, RegExp][] = [
  ['no JSON', '{"labels": [', /not reloaded: .*daemon\.json is not JSON/],
  [
    'an unknown key',
    { lables: [] },
    /not reloaded: .*the following directives don't match any configuration option: lables/,
  ],
  ['a wrong type', { labels: 'x' }, /not reloaded: .*daemon\.json: labels: expected a list of texts/],
  [
    'a flag’s option',
    { 'log-level': 'debug' },
    /not reloaded: .*both as a flag and in the configuration file: log-level: \(from flag: info, from file: debug\)/,
  ],
  ['a runtime that is not there', { 'default-runtime': 'nope' }, /not reloaded: the default runtime .*nope/],
  ['what is not supported', { 'userns-remap': 'default' }, /not reloaded: userns-remap is not supported/],
];
for (const [title, content, expected] of WRONG) {
  test(`${title}: refused as a whole, and what counted before counts on`, async () => {
    await configure({ labels: ['before=1'] });
    const wrong = typeof content === 'object' ? { 'live-restore': false, ...content } : content;
    const said = await configure(wrong);
    assert.match(said.replaceAll('\\"', '"'), expected);
    assert.match(said, /level=error/);
    assert.deepEqual([(await info()).Labels, (await info()).LiveRestoreEnabled], [['before=1'], true]);
  });
}

test('an engine that takes over while the file is wrong has the configuration of the one before', async () => {
  await configure({ labels: ['kept=1'], 'shutdown-timeout': 3 });
  await configure('{ wrong');
  await killEngine(daemon);
  assert.deepEqual((await info()).Labels, ['kept=1']);
  await configure({ labels: ['next=1'] });
  await killEngine(daemon);
  assert.deepEqual((await info()).Labels, ['next=1']);
});

test('what takes another start is named, and comes with it', async () => {
  const said = await configure({ icc: false, mtu: 1400, labels: ['taken=1'] });
  assert.match(said, /level=warn msg="not reloaded, as it takes another start of the daemon: icc, mtu"/);
  assert.deepEqual((await info()).Labels, ['taken=1']);
  const mtu = () => ok`run --rm busybox cat /sys/class/net/eth0/mtu`;
  assert.equal(await mtu(), '1500');
  await killEngine(daemon);
  assert.equal(await mtu(), '1500');
  await daemon.stop();
  await daemon.start();
  assert.equal(await mtu(), '1400');
  await configure({});
  await daemon.stop();
  await daemon.start();
});

test('runtimes with arguments of their own, added and made the default while the daemon runs', async () => {
  const wrapper = join(daemon.folder, 'runtime');
  const calls = join(daemon.folder, 'calls');
  await writeFile(wrapper, `#!/bin/sh\necho "$*" >>${calls}\n[ "$1" = --mark ] && shift\nexec runc "$@"\n`);
  await chmod(wrapper, 0o755);
  const before = await ok`run -d --name before busybox sleep 1000`;
  await configure({ runtimes: { own: { path: wrapper, runtimeArgs: ['--mark'] } }, 'default-runtime': 'own' });
  const { Runtimes, DefaultRuntime } = await info();
  assert.deepEqual([Runtimes.own, DefaultRuntime], [{ path: wrapper, runtimeArgs: ['--mark'] }, 'own']);
  const id = await ok`run -d --name marked busybox sleep 1000`;
  await ok`exec marked true`;
  await ok`update --pids-limit 50 marked`;
  await ok`exec before true`;
  await ok`rm -f marked before`;
  const lines = (await readFile(calls, 'utf8')).split('\n').filter(Boolean);
  for (const verb of [`--detach --bundle .*${id}`, `exec --detach .*${id}`, `update .*${id}`]) {
    assert.ok(
      lines.some((line) => new RegExp(verb).test(line)),
      verb,
    );
  }
  for (const line of lines) assert.match(line, /^--mark /);
  assert.ok(lines.every((line) => !line.includes(before)));
  assert.match(
    (await daemon.docker(words`run --rm --runtime nope busybox true`)).stderr,
    /unknown or invalid runtime name: nope/,
  );
});

test('--validate', async () => {
  const file = join(daemon.folder, 'daemon.json');
  const validate = (...flags: string[]) =>
    run(
      join(import.meta.dirname, '../../bin/wherryd'),
      ['--validate', '--config-file', file, ...flags],
      '',
      process.env,
    );
  await writeFile(file, '{"debug": true}');
  assert.deepEqual(await validate(), { code: 0, stdout: 'configuration OK\n', stderr: '' });
  const twice = await validate('-D');
  assert.equal(twice.code, 1);
  assert.match(
    twice.stderr,
    /both as a flag and in the configuration file: debug: \(from flag: true, from file: true\)/,
  );
  await writeFile(file, '{"dbug": true}');
  assert.match((await validate()).stderr, /don't match any configuration option: dbug/);
});

test('containers keep the control group that they were started in when the daemon is given another parent', async () => {
  const id = await ok`run -d --name settled busybox sleep 1000`;
  await daemon.stop();
  await daemon.start(['--cgroup-parent', '/wherry/elsewhere']);
  try {
    assert.match(await ok`top settled`, /sleep 1000/);
    await ok`pause settled`;
    await ok`unpause settled`;
    assert.match(
      await readFile(`/proc/${await ok`inspect -f ${'{{.State.Pid}}'} settled`}/cgroup`, 'utf8'),
      new RegExp(`/wherry/${id}$`, 'm'),
    );
    await ok`restart -t 0 settled`;
    assert.match(
      await readFile(`/proc/${await ok`inspect -f ${'{{.State.Pid}}'} settled`}/cgroup`, 'utf8'),
      new RegExp(`/wherry/elsewhere/${id}$`, 'm'),
    );
    assert.match(await ok`top settled`, /sleep 1000/);
  } finally {
    await ok`rm -f settled`;
    await daemon.stop();
    await daemon.start();
    await run('find', words`/sys/fs/cgroup -depth -path */wherry/elsewhere* -delete`, '', process.env);
  }
});

test('networks get their subnets from the pools of the configuration', async () => {
  await daemon.stop();
  await daemon.start(['--default-address-pool', 'base=10.99.0.0/16,size=28']);
  try {
    assert.deepEqual((await info()).DefaultAddressPools, [{ Base: '10.99.0.0/16', Size: 28 }]);
    for (const [name, subnet] of [
      ['one', '10.99.0.0/28'],
      ['two', '10.99.0.16/28'],
    ] as const) {
      await ok`network create ${name}`;
      assert.equal(await ok`network inspect -f ${'{{(index .IPAM.Config 0).Subnet}}'} ${name}`, subnet);
    }
    assert.match(await ok`run --rm --network two busybox ip -o -4 address show eth0`, /10\.99\.0\.\d+\/28/);
  } finally {
    await ok`network rm one two`;
    await daemon.stop();
    await daemon.start();
  }
});

test('systemd as the cgroup driver where it does not run', {
  skip: existsSync('/run/systemd/system') && 'it does',
}, async () => {
  await daemon.stop();
  await assert.rejects(daemon.start(['--exec-opt', 'native.cgroupdriver=systemd']));
  assert.match(daemon.log(), /native.cgroupdriver=systemd is configured, but systemd does not run on this machine/);
  await daemon.start();
});
