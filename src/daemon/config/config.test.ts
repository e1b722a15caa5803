import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { configHelp, loadConfig } from './config.ts';
import { CONFIG_OPTIONS } from './config-options.ts';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'wherry-test-config-'));
});
after(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, 'daemon.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const load = (content: unknown, ...flags: string[]) => loadConfig(['--config-file', file(content), ...flags]);

test('flags in every form', async () => {
  const config = await load(
    {},
    '-H',
    'unix:///a.sock',
    '--host=tcp://127.0.0.1:1',
    '-D',
    '--icc=false',
    '--mtu',
    '1400',
    '--label',
    'a=b',
    '--add-runtime',
    'x=/bin/x',
  );
  assert.deepEqual(config.hosts, ['unix:///a.sock', 'tcp://127.0.0.1:1']);
  assert.equal(config.logLevel, 'debug');
  assert.deepEqual(config.network, { mtu: 1400, icc: false });
  assert.deepEqual(config.labels, ['a=b']);
  assert.deepEqual(config.runtimes.added, { x: { path: '/bin/x', args: [] } });
});

test('the file says the same things under dockerd’s keys', async () => {
  const config = await load({
    hosts: ['/s.sock'],
    'default-ulimits': { nofile: { Name: 'nofile', Soft: 10, Hard: 20 } },
    runtimes: { y: { path: '/bin/y', runtimeArgs: ['--debug'] } },
    'log-opts': { 'max-size': '1m' },
    iptables: false,
  });
  assert.deepEqual(config.hosts, ['unix:///s.sock']);
  assert.deepEqual(config.defaultUlimits, [{ Name: 'nofile', Soft: 10, Hard: 20 }]);
  assert.deepEqual(config.runtimes.added, { y: { path: '/bin/y', args: ['--debug'] } });
  assert.deepEqual(config.logOpts, { 'max-size': '1m' });
  assert.match(config.notes.join(), /iptables has no effect/);
});

test('what is wrong is named', async () => {
  await assert.rejects(load({ debug: true }, '-D'), /both as a flag and in the configuration file: debug/);
  await assert.rejects(
    load({ dbug: true }),
    /daemon\.json: the following directives don't match any configuration option: dbug$/,
  );
  await assert.rejects(load({ hosts: 'x' }), /hosts: expected a list of texts, found "x"/);
  await assert.rejects(load('{'), /is not JSON/);
  await assert.rejects(load({}, '--nonsense'), /unknown flag: --nonsense/);
  await assert.rejects(load({}, '--mtu', 'x'), /invalid argument "x" for --mtu/);
  await assert.rejects(load({}, '--data-root'), /flag needs an argument/);
  await assert.rejects(load({}, '--storage-driver', 'zfs'), /invalid value "zfs" for --storage-driver/);
  await assert.rejects(loadConfig(['--config-file', join(folder, 'absent')]), /cannot read the configuration file/);
});

test('the help names every flag', () => {
  assert.match(configHelp(), /-H, --host value/);
});

test('what dockerd has and this engine lacks is refused when it is asked for, with what to do instead', async () => {
  await assert.rejects(load({ 'userns-remap': 'default' }), {
    kind: 'invalid',
    message: 'userns-remap is not supported',
  });
  await assert.rejects(load({}, '--ipv6'), /ipv6 is not supported/);
  await assert.rejects(load({ 'exec-opts': ['native.other=1'] }), /exec-opt native\.other=1 is not supported/);
  await load({ ipv6: false, 'userns-remap': '', 'exec-opts': ['native.cgroupdriver=cgroupfs'] });
});

test('every flag of dockerd is known', async () => {
  const flags = [
    ...(await readFile(new URL('fixtures/dockerd-26-flags.txt', import.meta.url), 'utf8')).matchAll(/\S+/g),
  ];
  assert.ok(flags.length > 80);
  const known = new Set(CONFIG_OPTIONS.map(({ flag }) => flag));
  assert.deepEqual(
    flags.map(([flag]) => flag).filter((flag) => !known.has(flag)),
    [],
  );
});

test('pools of addresses, in the forms of flag and file', async () => {
  const pools = [{ base: '10.9.0.0/16', size: 24 }];
  assert.deepEqual((await load({ 'default-address-pools': pools })).network.addressPools, pools);
  assert.deepEqual((await load({}, '--default-address-pool', 'base=10.9.0.0/16,size=24')).network.addressPools, pools);
  await assert.rejects(
    load({ 'default-address-pools': ['10.9.0.0/16'] }),
    /default-address-pools: expected \[\{"base"/,
  );
});

test('the cgroup driver, and a parent that it can have', async () => {
  const systemd = { 'exec-opts': ['native.cgroupdriver=systemd'] };
  assert.deepEqual([(await load({})).cgroupDriver, (await load(systemd)).cgroupDriver], ['cgroupfs', 'systemd']);
  assert.equal((await load({ ...systemd, 'cgroup-parent': 'a.slice' })).cgroupParent, 'a.slice');
  await assert.rejects(load({ ...systemd, 'cgroup-parent': '/a' }), /should be a valid slice named as "xxx.slice"/);
  await assert.rejects(load({ 'exec-opts': ['native.cgroupdriver=x'] }), /invalid value "x" for native.cgroupdriver/);
});
