import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Config } from '#api/types/container-config.ts';
import type { HostConfig } from '#api/types/host-config.ts';
import { openSpecRoom, type SpecRoom } from '#test/support/run-spec.ts';
import { CAPABILITIES, capabilitiesOfMask, DEFAULT_CAPABILITIES } from './capabilities.ts';

let room: SpecRoom;

before(async () => {
  room = await openSpecRoom();
});

after(() => room.close());

/** What the script printed; it must end well. */
async function output(
  script: string,
  hostConfig: Partial<HostConfig> = {},
  config: Partial<Config> = {},
): Promise<string> {
  const { code, stdout, stderr } = await room.run(script, hostConfig, config);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

async function status(
  field: string,
  hostConfig: Partial<HostConfig> = {},
  config: Partial<Config> = {},
): Promise<string> {
  const text = await output('cat /proc/self/status', hostConfig, config);
  return new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(text)![1]!;
}

test('root has the 14 default capabilities, another user none of them in effect', async () => {
  const sorted = CAPABILITIES.filter((name) => DEFAULT_CAPABILITIES.includes(name));
  assert.deepEqual(capabilitiesOfMask(await status('CapEff')), sorted);
  assert.deepEqual(capabilitiesOfMask(await status('CapBnd', {}, { User: 'bob' })), sorted);
  assert.deepEqual(capabilitiesOfMask(await status('CapEff', {}, { User: 'bob' })), []);
});

test('capabilities are added and dropped', async () => {
  const effective = capabilitiesOfMask(await status('CapEff', { CapDrop: ['ALL'], CapAdd: ['net_admin'] }));
  assert.deepEqual(effective, ['CAP_NET_ADMIN']);
});

test('seccomp is on by default, off when unconfined or privileged', async () => {
  assert.equal(await status('Seccomp'), '2');
  assert.equal(await status('Seccomp', { SecurityOpt: ['seccomp=unconfined'] }), '0');
  assert.equal(await status('Seccomp', { Privileged: true }), '0');
});

test('a new namespace is refused by seccomp, not only for want of a capability', async () => {
  const script = 'busybox unshare -U true 2>&1; echo $?';
  assert.match(await output(script), /Operation not permitted\n1$/);
  assert.equal(await output(script, { SecurityOpt: ['seccomp=unconfined'] }), '0');
});

test('a profile of the user holds', async () => {
  const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 };
  const profile = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] });
  const text = await output('busybox mkdir /tmp/x 2>&1; true', { SecurityOpt: [`seccomp=${profile}`] });
  assert.match(text, /No space left on device/);
});

test('no-new-privileges', async () => {
  assert.equal(await status('NoNewPrivs'), '0');
  assert.equal(await status('NoNewPrivs', { SecurityOpt: ['no-new-privileges'] }), '1');
});

test('the kernel is out of reach: masked and read-only paths, a read-only sysfs', async () => {
  assert.equal(await output('busybox wc -c < /proc/keys'), '0');
  assert.equal(await output('busybox ls /sys/firmware | wc -l'), '0');
  assert.match(
    await output('echo 1 2>&1 > /proc/sys/kernel/panic || true; echo 1 > /sys/x 2>&1 || true; echo done'),
    /done$/,
  );
  assert.notEqual((await room.run('echo 0 > /proc/sys/kernel/printk')).code, 0);
  assert.notEqual((await room.run('echo b > /proc/sysrq-trigger')).code, 0);
});

test('nothing is masked with systempaths=unconfined', async () => {
  assert.match(await output('cat /proc/mounts'), / \/proc\/sys .* \/proc\/keys /s);
  const mounts = await output('cat /proc/mounts', { SecurityOpt: ['systempaths=unconfined'] });
  assert.doesNotMatch(mounts, / \/proc\/(keys|sys) /);
});

test('privileged: devices of the host, writable sysfs, everything mountable', async () => {
  const text = await output(
    'busybox mount -t tmpfs x /tmp && grep " /sys " /proc/mounts; test -c /dev/kmsg && echo kmsg',
    { Privileged: true },
  );
  assert.match(text, /sysfs rw,/);
  assert.match(text, /kmsg$/);
});

test('only the harmless devices are there and usable', async () => {
  const names = (await output('busybox ls /dev')).split(/\s+/).filter((name) => name !== 'core');
  assert.deepEqual(names, [
    'fd',
    'full',
    'mqueue',
    'null',
    'ptmx',
    'pts',
    'random',
    'shm',
    'stderr',
    'stdin',
    'stdout',
    'tty',
    'urandom',
    'zero',
  ]);
  assert.match((await room.run('busybox mknod /tmp/mem c 1 1 && cat /tmp/mem')).stderr, /not permitted/);
  await output('rm -f /tmp/mem || busybox rm -f /tmp/mem');
});

test('--device brings a device under another name with the given rights', async () => {
  const Devices = [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/log-of-kernel', CgroupPermissions: 'r' }];
  const text = await output('test -c /dev/log-of-kernel && echo there; echo x > /dev/log-of-kernel || echo refused', {
    Devices,
  });
  assert.equal(text, 'there\nrefused');
});

test('limits reach the control group and the process', async () => {
  const v1 = room.cgroups.version === 1;
  const Memory = 64 * 1024 * 1024;
  const file = v1 ? '/sys/fs/cgroup/memory/memory.limit_in_bytes' : '/sys/fs/cgroup/memory.max';
  assert.equal(await output(`cat ${file}`, { Memory, CgroupnsMode: 'private' }), String(Memory));
  const pids = v1 ? '/sys/fs/cgroup/pids/pids.max' : '/sys/fs/cgroup/pids.max';
  assert.equal(await output(`cat ${pids}`, { PidsLimit: 50, CgroupnsMode: 'private' }), '50');
  const cpu = v1 ? '/sys/fs/cgroup/cpu/cpu.cfs_quota_us' : '/sys/fs/cgroup/cpu.max';
  assert.match(await output(`cat ${cpu}`, { NanoCpus: 500_000_000, CgroupnsMode: 'private' }), /^50000\b/);
  assert.equal(
    await output('ulimit -n; ulimit -Hn', { Ulimits: [{ Name: 'nofile', Soft: 123, Hard: 456 }] }),
    '123\n456',
  );
  assert.equal(await output('cat /proc/self/oom_score_adj', { OomScoreAdj: 321 }), '321');
});

test('a user is found in the image, with its groups, home and the added groups', async () => {
  const text = await output('id -u; id -G; echo $HOME', { GroupAdd: ['77'] }, { User: 'bob' });
  assert.equal(text, '1000\n1000 10 77\n/home/bob');
});

test('environment, working directory, host and domain name', async () => {
  const config = { Env: ['A=1', 'HOSTNAME=other'], WorkingDir: '/new/dir', Hostname: 'web', Domainname: 'example.org' };
  const text = await output('echo $A $HOSTNAME $PWD; busybox hostname; cat /proc/sys/kernel/domainname', {}, config);
  assert.equal(text, '1 other /new/dir\nweb\nexample.org');
});

test('--read-only, --tmpfs and the size of /dev/shm', async () => {
  const hostConfig = { ReadonlyRootfs: true, Tmpfs: { '/tmp': 'size=1m,mode=1777' }, ShmSize: 2 * 1024 * 1024 };
  const script = 'echo x > /etc/x || echo refused; echo x > /tmp/x && cat /tmp/x; busybox df -k /tmp /dev/shm';
  const text = await output(script, hostConfig);
  assert.match(text, /^refused\nx\n/);
  assert.match(text, /tmpfs\s+1024\s/);
  assert.match(text, /shm\s+2048\s/);
});

test('binds: read-only ones too, with the mounts below, parents before children', async () => {
  const outer = join(room.folder, 'outer');
  const inner = join(room.folder, 'inner');
  await mkdir(join(outer, 'mnt'), { recursive: true });
  await mkdir(inner, { recursive: true });
  await writeFile(join(inner, 'file'), 'inner');
  const Binds = [`${inner}:/b/mnt`, `${outer}:/b:ro`];
  assert.equal(
    await output('cat /b/mnt/file; echo x > /b/x || echo refused; echo x > /b/mnt/x && echo written', { Binds }),
    'innerrefused\nwritten',
  );
});

test('sysctls of the container', async () => {
  const Sysctls = { 'net.ipv4.ip_forward': '1', 'kernel.msgmax': '65536' };
  assert.equal(await output('cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax', { Sysctls }), '1\n65536');
});

test('--init runs as process 1 and hands the exit code on', async () => {
  assert.match(await output('cat /proc/1/cmdline', { Init: true }), /docker-init/);
  assert.equal((await room.run('exit 7', { Init: true })).code, 7);
});

test('the host names itself in shared namespaces', async () => {
  assert.notEqual(await output('busybox hostname', { UTSMode: 'host' }), '');
  const processes = await output('busybox ls -d /proc/[0-9]* | wc -l', { PidMode: 'host' });
  assert.ok(Number(processes) > 5);
});
