/**
 * Limits on a machine with cgroup v2 alone, as far as files show one: which are kept, which are dropped and with what
 * warning, and what the runtime is told, which translates OCI's terms, those of v1, into v2's files.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG, type HostConfig } from '#api/types/host-config.ts';
import { type CgroupSupport, detectCgroups } from '#linux/cgroup.ts';
import { ENGINE_DEFAULTS } from '#test/support/recorded-host.ts';
import { CAPABILITIES } from './capabilities.ts';
import { withHostDefaults } from './host-defaults.ts';
import type { OciResources } from './oci.ts';
import { cgroupResources, updatedResources } from './resources.ts';
import { validateCreate } from './validate.ts';

const MIB = 1024 * 1024;

async function unifiedMachine(): Promise<CgroupSupport> {
  const root = await mkdtemp(join(tmpdir(), 'wherry-unified-'));
  const files = {
    'proc/self/mountinfo': '29 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n',
    'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids\n',
    'sys/fs/cgroup/cpuset.cpus.effective': '0-3\n',
    'sys/fs/cgroup/cpuset.mems.effective': '0\n',
    'sys/fs/cgroup/system.slice/memory.current': '1\n',
    'sys/fs/cgroup/system.slice/memory.swap.max': 'max\n',
    'sys/fs/cgroup/system.slice/io.max': '',
    'sys/fs/cgroup/system.slice/io.bfq.weight': 'default 100\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const support = await detectCgroups(root);
  await rm(root, { recursive: true });
  return support;
}

const cgroups = await unifiedMachine();

interface Kept extends Omit<OciResources, 'devices'> {
  warnings: string[];
}

/** What becomes of limits in a create request. */
function keep(asked: Partial<HostConfig>): Kept {
  const filled = withHostDefaults({ ...EMPTY_HOST_CONFIG, ...asked }, ENGINE_DEFAULTS, cgroups);
  const limits = { cgroups, host: { cpuCount: 4, capabilities: CAPABILITIES, apparmor: false } };
  const { hostConfig, warnings } = validateCreate({ ...EMPTY_CONFIG, Cmd: ['true'] }, filled, {}, limits);
  return { ...cgroupResources(hostConfig, {}), warnings };
}

test('--memory, --memory-swap, --memory-reservation are kept; --oom-score-adj is no matter of cgroups', () => {
  const { memory, warnings } = keep({ Memory: 64 * MIB, MemorySwap: 128 * MIB, MemoryReservation: 32 * MIB });
  assert.deepEqual(memory, { limit: 64 * MIB, swap: 128 * MIB, reservation: 32 * MIB });
  assert.deepEqual(warnings, []);
  assert.equal(keep({ Memory: 64 * MIB }).memory!.swap, 128 * MIB, 'as much swap as memory when nothing is said');
});

test('--memory-swappiness, --oom-kill-disable: unknown to v2, dropped with a warning', () => {
  const { memory, warnings } = keep({ Memory: 64 * MIB, MemorySwappiness: 33, OomKillDisable: true });
  assert.deepEqual(memory, { limit: 64 * MIB, swap: 128 * MIB });
  assert.match(warnings.join(), /Memory swappiness discarded.*OomKillDisable discarded/s);
});

test('--cpu-shares, --cpu-period, --cpu-quota, --cpus, --cpuset-cpus, --cpuset-mems are kept', () => {
  const limits = { CpuShares: 512, CpuPeriod: 50_000, CpuQuota: 20_000, CpusetCpus: '0-2', CpusetMems: '0' };
  const { cpu, warnings } = keep(limits);
  assert.deepEqual(cpu, { shares: 512, quota: 20_000, period: 50_000, cpus: '0-2', mems: '0' });
  assert.deepEqual(warnings, []);
  assert.deepEqual(keep({ NanoCpus: 1_500_000_000 }).cpu, { quota: 150_000, period: 100_000 });
  assert.throws(() => keep({ CpusetCpus: '7' }), /Requested CPUs are not available - requested 7, available: 0-3/);
});

test('--cpu-rt-period, --cpu-rt-runtime: unknown to v2, refused', () => {
  assert.throws(() => keep({ CpuRealtimeRuntime: 1000 }), /does not support CPU real-time scheduler/);
});

test('--pids-limit is kept; --ulimit is no matter of cgroups', () => {
  assert.deepEqual(keep({ PidsLimit: 50 }).pids, { limit: 50 });
});

test('--blkio-weight, --blkio-weight-device and --device-read-bps, --device-write-bps, --device-read-iops, --device-write-iops are kept', () => {
  const device = [{ Path: '/dev/sda', Rate: 5 }];
  const { warnings } = keep({
    BlkioWeight: 300,
    BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 200 }],
    BlkioDeviceReadBps: device,
    BlkioDeviceWriteBps: device,
    BlkioDeviceReadIOps: device,
    BlkioDeviceWriteIOps: device,
  });
  assert.deepEqual(warnings, []);
});

test('--cgroupns: private unless said otherwise, for a privileged one too', () => {
  const modeOf = (asked: Partial<HostConfig>) =>
    withHostDefaults({ ...EMPTY_HOST_CONFIG, ...asked }, ENGINE_DEFAULTS, cgroups).CgroupnsMode;
  assert.deepEqual(
    [modeOf({}), modeOf({ Privileged: true }), modeOf({ CgroupnsMode: 'host' })],
    ['private', 'private', 'host'],
  );
});

test('update gives the runtime what has changed', () => {
  const now = { ...EMPTY_HOST_CONFIG, Memory: 64 * MIB, MemorySwap: 128 * MIB, CpuShares: 256 };
  const { memory, cpu, pids } = updatedResources(now, { Memory: 64 * MIB, CpuShares: 256, PidsLimit: -1 });
  assert.deepEqual([memory, cpu, pids], [{ limit: 64 * MIB, swap: 128 * MIB }, { shares: 256 }, { limit: -1 }]);
});
