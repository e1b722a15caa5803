import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { detectCgroups } from './cgroup.ts';
import { cgroupProcesses, killCgroup, pauseCgroup, resumeCgroup } from './cgroup-control.ts';
import { cgroupFolder, containerCgroup, oomFiles } from './cgroup-paths.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-cgroup-'));
after(() => rm(folder, { recursive: true }));

/** A machine with only the unified hierarchy, as far as files show it. */
async function unifiedMachine(name: string, files: Record<string, string>): Promise<string> {
  const root = join(folder, name);
  const mountinfo =
    '29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
  const all = { 'proc/self/mountinfo': mountinfo, ...files };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

test('cgroup v2 is found with its controllers, and what a group below the root can keep', async () => {
  const root = await unifiedMachine('v2', {
    'sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory pids\n',
    'sys/fs/cgroup/cpuset.cpus.effective': '0-7\n',
    'sys/fs/cgroup/cpuset.mems.effective': '0\n',
    'sys/fs/cgroup/system.slice/memory.current': '1\n',
    'sys/fs/cgroup/system.slice/io.max': '',
    'sys/fs/cgroup/system.slice/io.bfq.weight': '',
  });
  const support = await detectCgroups(root);
  assert.equal(support.version, 2);
  assert.equal(support.hybrid, false);
  assert.equal(support.cpus, '0-7');
  const { memory, swap, blkioWeight, pids, oomKillDisable, swappiness, hugetlb } = support.features;
  assert.deepEqual({ memory, swap, blkioWeight, pids }, { memory: true, swap: false, blkioWeight: true, pids: true });
  assert.deepEqual(
    { oomKillDisable, swappiness, hugetlb },
    { oomKillDisable: false, swappiness: false, hugetlb: false },
  );
  const path = containerCgroup('cgroupfs', '', 'abc').path;
  assert.equal(cgroupFolder(support, 'memory', path), join(root, 'sys/fs/cgroup/wherry/abc'));
  assert.deepEqual(oomFiles(support, path), [join(root, 'sys/fs/cgroup/wherry/abc/memory.events')]);
});

test('a v2 machine without the memory controller has no memory limits and no file to read for OOM', async () => {
  const support = await detectCgroups(await unifiedMachine('bare', { 'sys/fs/cgroup/cgroup.controllers': 'cpu\n' }));
  assert.equal(support.features.memory, false);
  assert.deepEqual(oomFiles(support, '/wherry/abc'), []);
});

test('a machine without control groups is refused', async () => {
  const root = join(folder, 'none');
  await mkdir(join(root, 'proc/self'), { recursive: true });
  await writeFile(join(root, 'proc/self/mountinfo'), '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n');
  await assert.rejects(detectCgroups(root), { kind: 'unavailable' });
});

test('a parent counts from the root of the hierarchy and cannot leave it', () => {
  const path = (parent: string) => containerCgroup('cgroupfs', parent, 'x');
  const same = (path: string) => ({ path, cgroupsPath: path });
  assert.deepEqual(path(''), same('/wherry/x'));
  assert.deepEqual(path('/a/b'), same('/a/b/x'));
  assert.deepEqual(path('a'), same('/a/x'));
  assert.deepEqual(path('a-b.slice'), same('/a-b.slice/x'));
  assert.deepEqual(path('../../a'), same('/a/x'));
});

test('with systemd a container is a scope in a slice, and slices lie in each other', () => {
  const scope = (parent: string) => containerCgroup('systemd', parent, 'x');
  assert.deepEqual(scope(''), { path: '/system.slice/wherry-x.scope', cgroupsPath: 'system.slice:wherry:x' });
  assert.deepEqual(scope('a-b-c.slice'), {
    path: '/a.slice/a-b.slice/a-b-c.slice/wherry-x.scope',
    cgroupsPath: 'a-b-c.slice:wherry:x',
  });
  assert.equal(scope('-.slice').path, '/wherry-x.scope');
  for (const parent of ['/a', 'a', 'a/b.slice', '.slice', '-a.slice', 'a-.slice', 'a--b.slice']) {
    assert.throws(() => scope(parent), { kind: 'invalid', message: /should be a valid slice named as "xxx.slice"/ });
  }
});

/** Two processes in a group of this machine's own hierarchy, one of them in a group below. */
async function group(name: string) {
  const support = await detectCgroups();
  const path = containerCgroup('cgroupfs', '/wherry-test', `${name}-${process.pid}`).path;
  const controllers = support.version === 2 ? ['pids'] : ['freezer'];
  const place = cgroupFolder(support, controllers[0]!, path)!;
  await mkdir(join(place, 'below'), { recursive: true });
  const children = [spawn('sleep', ['60']), spawn('sleep', ['60'])];
  await writeFile(join(place, 'cgroup.procs'), String(children[0]!.pid));
  await writeFile(join(place, 'below', 'cgroup.procs'), String(children[1]!.pid));
  const clean = async () => {
    for (const child of children) child.kill('SIGKILL');
    await resumeCgroup(support, path).catch(() => {});
    await Promise.all(children.map(ended));
    for (const folder of [join(place, 'below'), place, join(place, '..')]) await removeGroup(folder);
  };
  return { support, path, children, clean };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** The kernel keeps a group busy for a moment after its last process. */
async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (removed) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function stateOf(child: ChildProcess): Promise<string> {
  return /^State:\s+(\S)/m.exec(await readFile(`/proc/${child.pid}/status`, 'utf8'))![1]!;
}

test('killing a group ends all its processes, those of groups below and frozen ones too', async () => {
  const { support, path, children, clean } = await group('kill');
  try {
    assert.deepEqual(new Set(await cgroupProcesses(support, path)), new Set(children.map(({ pid }) => pid)));
    await pauseCgroup(support, path);
    await killCgroup(support, path);
    await Promise.all(children.map(ended));
    assert.deepEqual(
      children.map(({ signalCode }) => signalCode),
      ['SIGKILL', 'SIGKILL'],
    );
    assert.deepEqual(await cgroupProcesses(support, path), []);
  } finally {
    await clean();
  }
});

test('a paused group does not run until it is resumed', async () => {
  const { support, path, children, clean } = await group('pause');
  try {
    await pauseCgroup(support, path);
    children[0]!.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(children[0]!.signalCode, null);
    assert.notEqual(await stateOf(children[0]!), 'Z');
    await resumeCgroup(support, path);
    await ended(children[0]!);
    assert.equal(children[0]!.signalCode, 'SIGTERM');
  } finally {
    await clean();
  }
});

test('a group that does not exist has no processes and nothing to kill', async () => {
  const support = await detectCgroups();
  assert.deepEqual(await cgroupProcesses(support, '/wherry-test/none'), []);
  await killCgroup(support, '/wherry-test/none');
});
