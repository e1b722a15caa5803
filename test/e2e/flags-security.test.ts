/** What `docker run`'s flags for rights and isolation do, seen from inside the container. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CAPABILITIES, capabilitiesOfMask, DEFAULT_CAPABILITIES } from '#runtime/spec/capabilities.ts';
import { withEachRuntime } from '#test/support/each-runtime.ts';
import { words } from '#test/support/words.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-flags-'));
after(() => rm(folder, { recursive: true }));

const kernelHas = (path: string) => existsSync(join('/sys/kernel/security', path));

withEachRuntime((engine) => {
  const { sh, fails } = engine;
  const status = async (options: string[], field: string) =>
    (await sh(options, `grep ^${field}: /proc/self/status`)).split(/\s+/).at(-1)!;
  const capabilities = async (options: string[]) => capabilitiesOfMask(await status(options, 'CapEff'));
  const sorted = (names: readonly string[]) => CAPABILITIES.filter((name) => names.includes(name));

  test('--cap-add, --cap-drop: with and without CAP_, in any case, ALL', async () => {
    assert.deepEqual(await capabilities([]), sorted(DEFAULT_CAPABILITIES));
    const both = await capabilities(
      words`--cap-add CAP_SYS_NICE --cap-add net_admin --cap-drop MKNOD --cap-drop cap_chown`,
    );
    const kept = DEFAULT_CAPABILITIES.filter((name) => name !== 'CAP_MKNOD' && name !== 'CAP_CHOWN');
    assert.deepEqual(both, sorted([...kept, 'CAP_SYS_NICE', 'CAP_NET_ADMIN']));
    assert.deepEqual(await capabilities(words`--cap-drop ALL`), []);
    assert.deepEqual(await capabilities(words`--cap-drop all --cap-add NET_RAW`), ['CAP_NET_RAW']);
    const all = await capabilities(words`--cap-add ALL --cap-drop SYS_ADMIN`);
    assert.ok(all.includes('CAP_SYS_TIME') && !all.includes('CAP_SYS_ADMIN'));
    assert.match(await fails`run --rm --cap-add NONSENSE busybox true`, /invalid CapAdd: unknown capability/);
  });

  test('--privileged: all capabilities, devices, a writable /sys, no seccomp, nothing masked', async () => {
    const all = await capabilities(words`--privileged`);
    assert.ok(all.includes('CAP_SYS_ADMIN') && all.length > 35);
    assert.equal(await status(words`--privileged`, 'Seccomp'), '0');
    const script = 'mount -t tmpfs none /mnt && test -c /dev/kmsg && grep " /sys " /proc/mounts && wc -l < /proc/keys';
    assert.match(await sh(words`--privileged`, `mkdir -p /mnt; ${script}`), /sysfs rw,.*\n[1-9]\d*$/);
    assert.doesNotMatch(await sh(words`--privileged`, 'cat /proc/mounts'), / \/proc\/(sys|kcore|keys) /);
  });

  test('--security-opt seccomp: the default, a file, unconfined', async () => {
    const script = 'unshare -U true 2>&1; mkdir /made 2>&1; true';
    assert.equal(await status([], 'Seccomp'), '2');
    assert.match(await sh([], script), /^unshare: .*Operation not permitted$/);
    const profile = join(folder, 'profile.json');
    const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 };
    await writeFile(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
    assert.match(await sh(words`--security-opt seccomp=${profile}`, script), /^mkdir: .*No space left on device$/);
    assert.equal(await sh(words`--security-opt seccomp=unconfined`, script), '');
    await writeFile(profile, '{"defaultAction": 3');
    assert.match(await fails`run --rm --security-opt seccomp=${profile} busybox true`, /seccomp/);
  });

  test('--security-opt no-new-privileges, label, systempaths, apparmor', async () => {
    assert.equal(await status(words`--security-opt no-new-privileges`, 'NoNewPrivs'), '1');
    assert.equal(await status(words`--security-opt no-new-privileges=false`, 'NoNewPrivs'), '0');
    assert.equal(await sh(words`--security-opt label=disable`, 'echo runs'), 'runs');
    const masked = 'cat /proc/mounts; cat /proc/keys | wc -l';
    assert.match(await sh([], masked), / \/proc\/sys [\s\S]*\n0$/);
    assert.doesNotMatch(await sh(words`--security-opt systempaths=unconfined`, masked), / \/proc\/(sys|keys|kcore) /);
    const { stdout, stderr } = await engine.daemon.docker(
      words`run --rm --security-opt apparmor=some-profile busybox echo runs`,
    );
    if (kernelHas('apparmor')) return;
    assert.equal(stdout, 'runs\n');
    assert.match(stderr, /does not support AppArmor: the profile some-profile is ignored/);
    assert.match(await fails`run --rm --security-opt nonsense=1 busybox true`, /invalid --security-opt/);
  });

  test('--sysctl: what belongs to the container is set, what is the host’s is refused', async () => {
    const options = words`--sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=65537 --sysctl fs.mqueue.msg_max=11`;
    const read = 'cd /proc/sys; cat net/ipv4/ip_forward kernel/msgmax fs/mqueue/msg_max';
    assert.equal(await sh(options, read), '0\n65537\n11');
    // Docker's client refuses it itself.
    const { stderr } = await engine.daemon.wherry(words`run --rm --sysctl vm.swappiness=1 busybox true`);
    assert.match(stderr, /sysctl "vm\.swappiness" is not in a separate kernel namespace/);
    assert.match(
      await fails`run --rm --network host --sysctl net.ipv4.ip_forward=0 busybox true`,
      /sysctl "net\.ipv4\.ip_forward" not allowed in host network namespace/,
    );
    assert.match(await fails`run --rm --ipc host --sysctl kernel.msgmax=1 busybox true`, /hosts ipc namespace/);
  });

  const namespace = (options: string[], name: string) => sh(options, `readlink /proc/self/ns/${name}`);
  const hosts = (name: string) => readlink(`/proc/self/ns/${name}`);
  const first = async (name: string, kind: string) => engine.daemon.ok(words`exec ${name} readlink /proc/1/ns/${kind}`);

  test('--pid: private, host, another container’s', async () => {
    assert.equal(await sh([], 'echo $$'), '1');
    assert.equal(await namespace(words`--pid host`, 'pid'), await hosts('pid'));
    await engine.daemon.ok(words`run -d --name one busybox sleep 1000`);
    assert.equal(await namespace(words`--pid container:one`, 'pid'), await first('one', 'pid'));
    assert.match(await sh(words`--pid container:one`, 'ps'), / 1 root .*sleep 1000/);
    await engine.daemon.ok(words`rm -f one`);
    assert.match(await fails`run --rm --pid container:one busybox true`, /No such container: one/);
    assert.match(await fails`run --rm --pid nonsense busybox true`, /PID mode/i);
  });

  test('--ipc: private, none, host, shareable, another container’s', async () => {
    assert.notEqual(await namespace(words`--ipc private`, 'ipc'), await hosts('ipc'));
    assert.equal(await namespace(words`--ipc host`, 'ipc'), await hosts('ipc'));
    assert.equal(
      await sh(words`--ipc none`, 'touch /dev/shm/x 2>&1; grep /dev/shm /proc/mounts; true'),
      'touch: /dev/shm/x: No such file or directory',
    );
    await engine.daemon.ok(
      words`run -d --name sharer --ipc shareable busybox sh -c ${'echo shared > /dev/shm/f; sleep 1000'}`,
    );
    assert.equal(await namespace(words`--ipc container:sharer`, 'ipc'), await first('sharer', 'ipc'));
    assert.equal(await sh(words`--ipc container:sharer`, 'cat /dev/shm/f'), 'shared');
    await engine.daemon.ok(words`rm -f sharer`);
    await engine.daemon.ok(words`run -d --name closed --ipc private busybox sleep 1000`);
    assert.match(await fails`run --rm --ipc container:closed busybox true`, /non-shareable IPC/);
    await engine.daemon.ok(words`rm -f closed`);
  });

  test('--uts, --cgroupns, --userns, --isolation', async () => {
    assert.equal(await namespace(words`--uts host`, 'uts'), await hosts('uts'));
    assert.notEqual(await namespace([], 'uts'), await hosts('uts'));
    assert.equal(await namespace(words`--cgroupns host`, 'cgroup'), await hosts('cgroup'));
    assert.notEqual(await namespace(words`--cgroupns private`, 'cgroup'), await hosts('cgroup'));
    assert.match(await sh(words`--cgroupns private`, 'head -1 /proc/self/cgroup'), /:\/$/);
    assert.equal(await namespace(words`--userns host`, 'user'), await hosts('user'));
    assert.equal(await sh(words`--isolation default`, 'echo runs'), 'runs');
    assert.match(await fails`run --rm --isolation hyperv busybox true`, /linux only supports 'default'/);
  });

  test('--group-add: names of the image’s /etc/group, and numbers', async () => {
    assert.match(await sh(words`--group-add tty --group-add 4321 --user 65534:1`, 'id -G'), /^1 \d+ 4321$/);
    assert.match(await fails`run --rm --group-add nobodys busybox true`, /Unable to find group nobodys/);
  });
});
