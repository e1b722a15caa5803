/** `run`: streams, exit codes, and what a container is given. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { withEachClient } from '#test/support/each-client.ts';
import { words } from '#test/support/words.ts';

const md5 = (data: Buffer | string) => createHash('md5').update(data).digest('hex');

withEachClient((cli) => {
  test('prints what the container prints and gives its exit code', async () => {
    const { code, stdout, stderr } = await cli.run(words`run --rm busybox sh -c ${'echo out; echo err >&2; exit 7'}`);
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal(await cli.ok`ps -aq`, '');
  });

  test('a missing executable is 127 in docker’s words, one that cannot be run 126', async () => {
    const missing = await cli.run(words`run --rm busybox no-such-program`);
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /^\w+: .*exec: "no-such-program": executable file not found in \$PATH[^\n]*\n$/);
    const folder = await cli.run(words`run --rm busybox /etc`);
    assert.equal(folder.code, 126);
    assert.match(folder.stderr, /permission denied|is a directory/);
    assert.equal(await cli.ok`ps -aq`, '');
  });

  test('stdin goes in whole and its end is seen', async () => {
    const input = randomBytes(20 * 1024 * 1024);
    const { code, stdout, stderr } = await cli.run(words`run --rm -i busybox md5sum`, { input });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.split(' ')[0], md5(input));
  });

  test('much output comes out whole', async () => {
    const { stdout } = await cli.run(words`run --rm busybox seq 1 300000`);
    assert.equal(md5(stdout), md5(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('')));
  });

  test('environment, user, workdir, hostname, entrypoint', async () => {
    const script = 'echo "$A|$(id -u):$(id -g)|$(pwd)|$(hostname)|$HOME|$PATH"';
    assert.equal(
      await cli.ok`run --rm -e ${'A=b c'} -u 1000:2000 -w /tmp/x -h ahost --entrypoint sh busybox -c ${script}`,
      'b c|1000:2000|/tmp/x|ahost|/|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    );
  });

  test('limits are kept by the kernel', async () => {
    const script = 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us; ulimit -n';
    const limits = words`-m 64m --pids-limit 50 --cpus 0.5 --ulimit nofile=123:456`;
    assert.deepEqual((await cli.ok`run --rm ${limits} busybox sh -c ${script}`).split('\n'), [
      String(64 << 20),
      '50',
      '50000',
      '123',
    ]);
  });

  test('read-only, tmpfs, capabilities, no-new-privileges, seccomp', async () => {
    const script =
      'touch /x 2>&1; touch /t/x && echo ok; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; unshare -m true 2>&1';
    const flags = words`--read-only --tmpfs /t:size=1m --cap-drop ALL --cap-add NET_RAW --security-opt no-new-privileges`;
    const { stdout } = await cli.run(words`run --rm ${flags} busybox sh -c ${script}`);
    assert.match(stdout, /Read-only file system/);
    assert.match(stdout, /^ok$/m);
    assert.match(stdout, /CapEff:\s+0000000000002000/);
    assert.match(stdout, /NoNewPrivs:\s+1/);
    assert.match(stdout, /Seccomp:\s+2/);
    assert.match(stdout, /unshare.*Operation not permitted/);
  });

  test('--init makes process 1 reap', async () => {
    assert.match(await cli.ok`run --rm --init busybox cat /proc/1/comm`, /tini|docker-init/);
  });

  test('volumes are free when their container is told to be gone', async () => {
    for (let round = 0; round < 3; round++) {
      await cli.ok`run -d --name holder -v held:/held -v /own busybox sleep 1000`;
      const volumes = await cli.daemon.ok(words`volume ls -q`);
      await cli.ok`rm -f -v holder`;
      assert.equal(volumes.split('\n').length, 2);
      assert.equal(await cli.daemon.ok(words`volume ls -q`), 'held');
      await cli.daemon.ok(words`volume rm held`);
    }
  });

  test('volumes: named ones live on, anonymous ones go with --rm, content is copied up, binds are the host’s', async () => {
    await cli.ok`run --rm -v data:/data busybox sh -c ${'echo kept > /data/f'}`;
    assert.equal(await cli.ok`run --rm -v data:/data busybox cat /data/f`, 'kept');
    const copied = await cli.ok`run --rm -v /bin -v bins:/etc busybox sh -c ${'ls /bin | wc -l'}`;
    assert.ok(Number(copied) > 100, copied);
    const script = 'ls /host; touch /host/x 2>&1 || true';
    const listed = await cli.ok`run --rm -v ${cli.daemon.folder}:/host:ro busybox sh -c ${script}`;
    assert.match(listed, /wherry\.pid/);
    assert.match(listed, /Read-only file system/);
  });
});
