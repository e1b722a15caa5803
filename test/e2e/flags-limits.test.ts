/** What `docker run`'s and `docker update`'s limits do: read from the files of the container's cgroup, never from inspect. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { after, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { cgroupFile, cgroups } from '#test/support/cgroup-files.ts';
import { run } from '#test/support/daemon.ts';
import { withEachRuntime } from '#test/support/each-runtime.ts';
import { words } from '#test/support/words.ts';

const PARENT = `wherry-parent-${process.pid}`;
const MIB = 1024 * 1024;
const v1 = cgroups.version === 1;
/** Any block device will do: nothing is read from it. */
const sizes = (await readdir('/sys/block')).map((name) => [name, readFileSync(`/sys/block/${name}/size`, 'utf8')]);
const [disk] = sizes.find(([, sectors]) => Number(sectors) > 0)!;
const device = `/dev/${disk}`;

/** Groups that a request names are the user's: the engine leaves them. */
after(() => run('find', words`/sys/fs/cgroup -depth -path */${PARENT}* -delete`, '', process.env));

withEachRuntime((engine, runtime) => {
  const { sh } = engine;

  /** A container that sleeps, removed after `use`; gives what docker said on stderr. */
  async function running(
    options: string[],
    use: (id: string) => Promise<void>,
    client: 'docker' | 'wherry' = 'docker',
  ): Promise<string> {
    const { code, stdout, stderr } = await engine.daemon[client](words`run -d ${options} busybox sleep 1000`);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    try {
      await use(id);
    } finally {
      await engine.daemon.ok(words`rm -f ${id}`);
    }
    return stderr;
  }

  /** The numbers of the device and of its limit, as the cgroup's file has them. */
  const throttle = async (id: string, file: string, key: string) => {
    const text = await cgroupFile(id, `blkio/blkio.throttle.${file}`, 'io.max');
    return v1 ? Number(text.split(' ')[1]) : Number(new RegExp(`${key}=(\\d+)`).exec(text)![1]);
  };

  test('--memory, --memory-swap, --memory-reservation, --memory-swappiness, --oom-kill-disable, --oom-score-adj', async () => {
    const memory = words`--memory 64m --memory-swap 128m --memory-reservation 32m --oom-score-adj 321`;
    await running([...memory, ...(v1 ? words`--memory-swappiness 33 --oom-kill-disable` : [])], async (id) => {
      assert.equal(await cgroupFile(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(64 * MIB));
      const swap = await cgroupFile(id, 'memory/memory.memsw.limit_in_bytes', 'memory.swap.max');
      assert.equal(swap, String(v1 ? 128 * MIB : 64 * MIB));
      assert.equal(await cgroupFile(id, 'memory/memory.soft_limit_in_bytes', 'memory.low'), String(32 * MIB));
      assert.equal(await engine.daemon.ok(words`exec ${id} cat /proc/1/oom_score_adj`), '321');
      if (!v1) return;
      assert.equal(await cgroupFile(id, 'memory/memory.swappiness', ''), '33');
      assert.match(await cgroupFile(id, 'memory/memory.oom_control', ''), /^oom_kill_disable 1$/m);
    });
    await running(words`--memory 64m`, async (id) => {
      const swap = await cgroupFile(id, 'memory/memory.memsw.limit_in_bytes', 'memory.swap.max');
      assert.equal(swap, String(v1 ? 128 * MIB : 64 * MIB), 'as much swap as memory when nothing is said');
    });
    assert.match(await sh(words`--memory 32m`, 'head -c 200m /dev/zero | tail || echo killed'), /killed$/);
  });

  test('KernelMemoryTCP, for which docker has no flag', {
    skip: (runtime === 'runc' && 'runc ignores it') || (!cgroups.features.kernelMemoryTcp && 'not on v2'),
  }, async () => {
    const body = { Image: 'busybox', Cmd: ['sleep', '1000'], HostConfig: { KernelMemoryTCP: 16 * MIB } };
    const { text } = await ask(engine.daemon.socket, 'POST', '/v1.45/containers/create', body);
    const { Id: id } = JSON.parse(text) as { Id: string };
    assert.equal((await ask(engine.daemon.socket, 'POST', `/containers/${id}/start`)).status, 204);
    assert.equal(await cgroupFile(id, 'memory/memory.kmem.tcp.limit_in_bytes', ''), String(16 * MIB));
    await engine.daemon.ok(words`rm -f ${id}`);
  });

  test('--cpu-shares, --cpu-period, --cpu-quota, --cpus, --cpuset-cpus, --cpuset-mems', async () => {
    await running(
      words`--cpu-shares 512 --cpu-period 50000 --cpu-quota 20000 --cpuset-cpus 0 --cpuset-mems 0`,
      async (id) => {
        assert.equal(await cgroupFile(id, 'cpu/cpu.shares', 'cpu.weight'), v1 ? '512' : '20');
        if (v1) {
          assert.equal(await cgroupFile(id, 'cpu/cpu.cfs_period_us', ''), '50000');
          assert.equal(await cgroupFile(id, 'cpu/cpu.cfs_quota_us', ''), '20000');
        } else assert.equal(await cgroupFile(id, '', 'cpu.max'), '20000 50000');
        assert.equal(await cgroupFile(id, 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0');
        assert.equal(await cgroupFile(id, 'cpuset/cpuset.mems', 'cpuset.mems'), '0');
        assert.match(await engine.daemon.ok(words`exec ${id} grep Cpus_allowed_list /proc/1/status`), /\t0$/);
      },
    );
    await running(words`--cpus 0.25`, async (id) => {
      assert.match(await cgroupFile(id, 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^25000( 100000)?$/);
    });
  });

  test('--cpu-rt-period, --cpu-rt-runtime', {
    skip: !cgroups.features.cpuRealtime && 'not on this kernel',
  }, async () => {
    await running(words`--cpu-rt-period 500000 --cpu-rt-runtime 20000`, async (id) => {
      assert.equal(await cgroupFile(id, 'cpu/cpu.rt_period_us', ''), '500000');
      assert.equal(await cgroupFile(id, 'cpu/cpu.rt_runtime_us', ''), '20000');
      const pid = await engine.daemon.ok(words`inspect -f {{.State.Pid}} ${id}`);
      const { code, stderr } = await run('chrt', words`-f -p 5 ${pid}`, '', process.env);
      assert.equal(code, 0, stderr);
    });
  });

  test('--pids-limit, --ulimit', async () => {
    await running(words`--pids-limit 50 --ulimit nofile=123:456 --ulimit core=-1`, async (id) => {
      assert.equal(await cgroupFile(id, 'pids/pids.max', 'pids.max'), '50');
      const limits = await engine.daemon.ok(words`exec ${id} cat /proc/1/limits`);
      assert.match(limits, /^Max open files +123 +456/m);
      assert.match(limits, /^Max core file size +unlimited +unlimited/m);
    });
    await running(words`--pids-limit -1`, async (id) => {
      assert.equal(await cgroupFile(id, 'pids/pids.max', 'pids.max'), 'max');
    });
    assert.match(
      await sh(words`--pids-limit 5`, '(sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1 & sleep 1) 2>&1; true'),
      /fork/,
    );
  });

  test('--device-read-bps, --device-write-bps, --device-read-iops, --device-write-iops', async () => {
    const limits = words`--device-read-bps ${device}:1mb --device-write-bps ${device}:2kb --device-read-iops ${device}:30 --device-write-iops ${device}:40`;
    // docker's client 26 forgets these flags.
    await running(
      limits,
      async (id) => {
        assert.equal(await throttle(id, 'read_bps_device', 'rbps'), MIB);
        assert.equal(await throttle(id, 'write_bps_device', 'wbps'), 2048);
        assert.equal(await throttle(id, 'read_iops_device', 'riops'), 30);
        assert.equal(await throttle(id, 'write_iops_device', 'wiops'), 40);
      },
      'wherry',
    );
    const nothing = await engine.daemon.wherry(words`run --rm --device-read-bps /dev/nothing:1mb busybox true`);
    assert.match(nothing.stderr, /stat \/dev\/nothing: no such file/);
  });

  test('--blkio-weight, --blkio-weight-device', async () => {
    const { blkioWeight, blkioWeightDevice } = cgroups.features;
    const said = await running(words`--blkio-weight 300 --blkio-weight-device ${device}:200`, async (id) => {
      if (blkioWeight) assert.match(await cgroupFile(id, 'blkio/blkio.weight', 'io.bfq.weight'), /\b300$/m);
    });
    assert.equal(/Weight discarded/.test(said), !blkioWeight);
    assert.equal(/Weight-device discarded/.test(said), !blkioWeightDevice);
  });

  test('--cgroup-parent', async () => {
    const group = v1 ? 'sed -n s/.*:memory://p /proc/self/cgroup' : 'sed s/0::// /proc/self/cgroup';
    assert.match(
      await sh(words`--cgroup-parent /${PARENT}/sub --cgroupns host`, group),
      new RegExp(`^/${PARENT}/sub/\\w{64}$`),
    );
    await running(words`--cgroup-parent ${PARENT} --memory 64m`, async (id) => {
      const limit = await cgroupFile(id, 'memory/memory.limit_in_bytes', 'memory.max', PARENT);
      assert.equal(limit, String(64 * MIB));
    });
  });

  test('--cpu-count, --cpu-percent, --io-maxbandwidth, --io-maxiops: of Windows, refused or said to have no effect', async () => {
    // Docker's client refuses them itself.
    const create = (HostConfig: object) =>
      ask(engine.daemon.socket, 'POST', '/v1.45/containers/create', { Image: 'busybox', Cmd: ['true'], HostConfig });
    assert.match((await create({ CpuPercent: 50, CpuCount: 1 })).text, /Percent discarded/);
    assert.match(
      (await create({ IOMaximumBandwidth: 1 })).message,
      /does not support configuration of maximum bandwidth/,
    );
    assert.match((await create({ IOMaximumIOps: 5 })).message, /does not support configuration of maximum IOPs/);
  });

  test('update of a running container: each limit', async () => {
    await running(words`--memory 64m --pids-limit 50`, async (id) => {
      const update = (options: string[]) => engine.daemon.ok(words`update ${options} ${id}`);
      await update(words`--memory 128m --memory-swap 256m --memory-reservation 48m`);
      assert.equal(await cgroupFile(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(128 * MIB));
      const swap = await cgroupFile(id, 'memory/memory.memsw.limit_in_bytes', 'memory.swap.max');
      assert.equal(swap, String(v1 ? 256 * MIB : 128 * MIB));
      assert.equal(await cgroupFile(id, 'memory/memory.soft_limit_in_bytes', 'memory.low'), String(48 * MIB));
      await update(words`--memory 32m --memory-swap 32m --memory-reservation 16m`);
      assert.equal(await cgroupFile(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(32 * MIB));
      await update(words`--memory-swap -1`);
      const unlimited = await cgroupFile(id, 'memory/memory.memsw.limit_in_bytes', 'memory.swap.max');
      assert.ok(v1 ? Number(unlimited) > 1e18 : unlimited === 'max');
      await update(words`--cpu-shares 256 --cpuset-cpus 0 --cpuset-mems 0`);
      assert.equal(await cgroupFile(id, 'cpu/cpu.shares', 'cpu.weight'), v1 ? '256' : '10');
      assert.equal(await cgroupFile(id, 'cpuset/cpuset.cpus', 'cpuset.cpus'), '0');
      assert.equal(await cgroupFile(id, 'cpuset/cpuset.mems', 'cpuset.mems'), '0');
      await update(words`--cpu-period 50000 --cpu-quota 30000`);
      assert.match(await cgroupFile(id, 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^30000( 50000)?$/);
      assert.match(await cgroupFile(id, 'cpu/cpu.cfs_period_us', 'cpu.max'), /^(30000 )?50000$/);
      await update(words`--pids-limit 60`);
      assert.equal(await cgroupFile(id, 'pids/pids.max', 'pids.max'), '60');
      await update(words`--pids-limit -1`);
      assert.equal(await cgroupFile(id, 'pids/pids.max', 'pids.max'), 'max');
      if (cgroups.features.cpuRealtime) {
        await update(words`--cpu-rt-period 400000 --cpu-rt-runtime 10000`);
        assert.equal(await cgroupFile(id, 'cpu/cpu.rt_runtime_us', ''), '10000');
      }
    });
    await running([], async (id) => {
      await engine.daemon.ok(words`update --cpus 0.5 ${id}`);
      assert.match(await cgroupFile(id, 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^50000( 100000)?$/);
    });
  });

  test('update of a container that does not run holds from its start on', async () => {
    const id = await engine.daemon.ok(words`create --memory 64m busybox sleep 1000`);
    await engine.daemon.ok(words`update --memory 32m --memory-swap 32m --pids-limit 7 ${id}`);
    await engine.daemon.ok(words`start ${id}`);
    assert.equal(await cgroupFile(id, 'memory/memory.limit_in_bytes', 'memory.max'), String(32 * MIB));
    assert.equal(await cgroupFile(id, 'pids/pids.max', 'pids.max'), '7');
    await engine.daemon.ok(words`rm -f ${id}`);
  });
});
