import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CgroupSupport } from '#linux/cgroup.ts';
import { parseHostCpu } from './host-cpu.ts';
import { parseInterfaces } from './interfaces.ts';
import { OpenFiles } from './open-files.ts';
import { takeSample } from './sample.ts';

const folder = await mkdtemp('/tmp/wherry-stats-');
after(() => rm(folder, { recursive: true }));

const STAT = 'cpu  100 20 30 400 5 6 7 8 9 10\ncpu0 50 10 15 200 2 3 3 4 4 5\ncpu1 50 10 15 200 3 3 4 4 5 5\nintr 1\n';

/** As kernel 6.1 writes them, in a group with limits. */
const UNIFIED = {
  'cpu.stat':
    'usage_usec 5000123\nuser_usec 3000000\nsystem_usec 2000123\nnr_periods 40\nnr_throttled 3\nthrottled_usec 77\n',
  'memory.stat':
    'anon 4096\nfile 8192\nkernel_stack 16384\nshmem 0\ninactive_file 4096\nactive_file 4096\npgfault 9\nworkingset_refault_anon 1\nworkingset_refault_file 2\nsec_pagetables 5\n',
  'memory.current': '24576\n',
  'memory.max': '67108864\n',
  'memory.events': 'low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\n',
  'pids.current': '3\n',
  'pids.max': 'max\n',
  'io.stat': '8:0 rbytes=1048576 wbytes=9223372036854771712 rios=3 wios=4 dbytes=0 dios=0\n253:1 \n',
};

async function unifiedSample(name: string, files: Record<string, string>) {
  const group = join(folder, name, 'wherry/abc');
  await mkdir(group, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(group, file), text);
  const support = { version: 2, unified: join(folder, name), controllers: new Map() } as unknown as CgroupSupport;
  const files_ = new OpenFiles();
  const read = (path: string) => (path === '/proc/stat' ? Promise.resolve(STAT) : files_.read(path));
  const sample = await takeSample(support, { cgroup: '/wherry/abc', pid: 1, interfaces: [] }, read);
  await files_.close();
  return sample;
}

test('cgroup v2 in the shape that Docker gives it', async () => {
  const { read, memory_stats, ...sample } = await unifiedSample('v2', UNIFIED);
  assert.match(read, /^20\d\d-/);
  assert.deepEqual(sample, {
    pids_stats: { current: 3, limit: 18446744073709551615n },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'read', value: 1048576 },
        { major: 8, minor: 0, op: 'write', value: 9223372036854771712n },
      ],
      io_serviced_recursive: null,
      io_queue_recursive: null,
      io_service_time_recursive: null,
      io_wait_time_recursive: null,
      io_merged_recursive: null,
      io_time_recursive: null,
      sectors_recursive: null,
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: {
      cpu_usage: { total_usage: 5000123000, usage_in_kernelmode: 2000123000, usage_in_usermode: 3000000000 },
      system_cpu_usage: 5_680_000_000,
      online_cpus: 2,
      throttling_data: { periods: 40, throttled_periods: 3, throttled_time: 77000 },
    },
  });
  const { stats, ...memory } = memory_stats;
  assert.deepEqual(memory, { usage: 24576, failcnt: 2, limit: 67108864 });
  assert.equal(stats?.inactive_file, 4096);
  assert.equal(stats?.workingset_refault, 3);
  assert.equal(stats?.thp_fault_alloc, 0);
  assert.ok(!('sec_pagetables' in stats!));
});

test('without a limit, the machine is it', async () => {
  const { memory_stats } = await unifiedSample('unlimited', { ...UNIFIED, 'memory.max': 'max\n' });
  assert.equal(memory_stats.limit, totalmem());
});

test('controllers that a group has not got tell nothing', async () => {
  const { memory_stats, pids_stats, blkio_stats } = await unifiedSample('bare', { 'cpu.stat': 'usage_usec 1\n' });
  assert.deepEqual(memory_stats, {});
  assert.deepEqual(pids_stats, {});
  assert.equal(blkio_stats.io_service_bytes_recursive, null);
});

test('cgroup v1: devices by operation, and limits that are none', async () => {
  const group = join(folder, 'v1/wherry/abc');
  await mkdir(group, { recursive: true });
  const files = {
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\nTotal 4096\n',
    'blkio.throttle.io_serviced_recursive': 'Total 0\n',
    'pids.current': '2\n',
    'pids.max': 'max\n',
    'memory.limit_in_bytes': '9223372036854771712\n',
    'memory.failcnt': '7\n',
    'memory.stat': 'cache 5\nhierarchical_memory_limit 9223372036854771712\n',
    'cpuacct.usage_percpu': '11 22 \n',
    'cpuacct.stat': 'user 3\nsystem 4\n',
  };
  for (const [file, text] of Object.entries(files)) await writeFile(join(group, file), text);
  const names = ['blkio', 'pids', 'memory', 'cpuacct'];
  const controllers = new Map(names.map((name) => [name, join(folder, 'v1')]));
  const open = new OpenFiles();
  const support = { version: 1, controllers } as unknown as CgroupSupport;
  const sample = await takeSample(support, { cgroup: '/wherry/abc', pid: 1, interfaces: [] }, open.read);
  await open.close();
  assert.deepEqual(sample.blkio_stats.io_service_bytes_recursive, [
    { major: 8, minor: 0, op: 'Read', value: 4096 },
    { major: 8, minor: 0, op: 'Write', value: 0 },
    { major: 8, minor: 0, op: 'Total', value: 4096 },
  ]);
  assert.deepEqual(sample.blkio_stats.io_serviced_recursive, []);
  assert.deepEqual(sample.pids_stats, { current: 2 });
  assert.equal(sample.memory_stats.limit, totalmem());
  assert.equal(sample.memory_stats.failcnt, 7);
  assert.equal(sample.memory_stats.stats?.hierarchical_memory_limit, 9223372036854771712n);
  assert.deepEqual(sample.cpu_stats.cpu_usage, {
    total_usage: 0,
    percpu_usage: [11, 22],
    usage_in_kernelmode: 40_000_000,
    usage_in_usermode: 30_000_000,
  });
});

test('only time that is not counted twice is time of the host', () => {
  assert.deepEqual(parseHostCpu(STAT), { system: 568 * 10_000_000, online: 2 });
});

test('the counters of an interface, of those that were asked for', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:18446744073709551615  2    3    4    0     0          0         0      200       5    6    7    0     0       0          0
`;
  assert.deepEqual(parseInterfaces(text, ['eth0', 'eth1']), {
    eth0: {
      rx_bytes: 18446744073709551615n,
      rx_packets: 2,
      rx_errors: 3,
      rx_dropped: 4,
      tx_bytes: 200,
      tx_packets: 5,
      tx_errors: 6,
      tx_dropped: 7,
    },
  });
});

test('open files are read anew, also when they are long, and closed', async () => {
  const path = join(folder, 'long');
  const descriptors = async () => (await readdir('/proc/self/fd')).length;
  const before = await descriptors();
  const files = new OpenFiles();
  await writeFile(path, 'a'.repeat(20_000));
  assert.equal(await files.read(path), 'a'.repeat(20_000));
  await writeFile(path, 'b');
  assert.equal(await files.read(path), 'b');
  assert.equal(await files.read(join(folder, 'missing')), '');
  assert.equal(await files.read('/proc/self/stat').then((text) => text.split(' ')[0]), String(process.pid));
  assert.equal(await descriptors(), before + 2);
  await files.close();
  assert.equal(await descriptors(), before);
  assert.equal(await files.read(path), '');
  assert.equal(await readFile(path, 'utf8'), 'b');
});
