/** What is done to a container that stays: pause, rename, update, top, port; and prune for those that do not. */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withEachClient } from '#test/support/each-client.ts';
import type { OneDaemon } from '#test/support/one-daemon.ts';

const show = (cli: OneDaemon, what: string, name: string) => cli.ok`inspect -f ${`{{${what}}}`} ${name}`;

/** A file of the container's control group, wherever its controller is mounted. */
async function limit(cli: OneDaemon, name: string, ...files: string[]): Promise<string> {
  const id = await show(cli, '.Id', name);
  const [path] = await Array.fromAsync(glob(files.map((file) => `/sys/fs/cgroup/{,*/}wherry/${id}/${file}`)));
  return (await readFile(path!, 'utf8')).trim();
}

withEachClient((cli) => {
  test('pause and unpause', async () => {
    await cli.ok`run -d --name froze busybox sh -c ${'while :; do date +%s%N >/now; sleep 0.01; done'}`;
    const moment = async () => readFile(`/proc/${await show(cli, '.State.Pid', 'froze')}/root/now`, 'utf8');
    await cli.ok`pause froze`;
    assert.equal(
      await show(cli, '.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Restarting', 'froze'),
      'paused true true false',
    );
    assert.match(await cli.ok`ps --filter status=paused --format ${'{{.Status}}'}`, /^Up .* \(Paused\)$/);
    assert.equal(await cli.ok`info -f ${'{{.ContainersPaused}} {{.ContainersRunning}}'}`, '1 0');
    const before = await moment();
    await sleep(100);
    assert.equal(await moment(), before);
    assert.match(await cli.fails`pause froze`, /Container [0-9a-f]{64} is already paused/);
    assert.match(await cli.fails`start froze`, /cannot start a paused container, try unpause instead/);
    assert.match(await cli.fails`attach froze`, /[Yy]ou cannot attach to a paused container|unpause the container/);
    assert.match(await cli.fails`exec froze true`, /Container froze is paused, unpause the container before exec/);
    await cli.ok`unpause froze`;
    while ((await moment()) === before) await sleep(10);
    assert.match(await cli.fails`unpause froze`, /Container [0-9a-f]{64} is not paused/);
    await cli.ok`rm -f froze`;
  });

  test('a paused container is stopped, killed, restarted and removed as any other', async () => {
    await cli.ok`run -d --name froze busybox sleep 1000`;
    await cli.ok`pause froze`;
    await cli.ok`stop -t 0 froze`;
    assert.equal(await show(cli, '.State.Status}} {{.State.ExitCode', 'froze'), 'exited 137');
    assert.match(await cli.fails`pause froze`, /container [0-9a-f]{64} is not running/);
    await cli.ok`start froze`;
    await cli.ok`pause froze`;
    await cli.ok`restart -t 0 froze`;
    assert.equal(await show(cli, '.State.Status', 'froze'), 'running');
    await cli.ok`pause froze`;
    await cli.ok`kill -s HUP froze`;
    assert.equal(await show(cli, '.State.Paused', 'froze'), 'false');
    await cli.ok`pause froze`;
    await cli.ok`kill froze`;
    await cli.ok`start froze`;
    await cli.ok`pause froze`;
    await cli.ok`rm -f froze`;
    await cli.ok`run -d --name own --stop-signal USR1 busybox sleep 1000`;
    await cli.ok`pause own`;
    await cli.ok`kill -s HUP own`;
    assert.equal(await show(cli, '.State.Paused', 'own'), 'true');
    await cli.ok`rm -f own`;
  });

  test('rename', async () => {
    const id = await cli.ok`run -d --name before busybox sleep 1000`;
    await cli.ok`rename before after`;
    assert.equal(await cli.ok`ps --no-trunc --format ${'{{.ID}} {{.Names}}'}`, `${id} after`);
    assert.match(await cli.fails`inspect before`, /No such/);
    await cli.ok`create --name before busybox`;
    const conflict = /Error when allocating new name: Conflict\. The container name "\/before" is already in use/;
    assert.match(await cli.fails`rename after before`, conflict);
    assert.match(await cli.fails`rename after after`, /Renaming a container with the same name as its current name/);
    assert.match(await cli.fails`rename after ${'!x'}`, /Error when allocating new name: Invalid container name/);
    assert.match(await cli.fails`rename nobody someone`, /No such container: nobody/);
    await cli.ok`rename before someone`;
    await cli.ok`rm -f after someone`;
  });

  test('a renamed container is found by its new name', async () => {
    await cli.ok`network create town`;
    await cli.ok`run -d --name before --network town busybox sleep 1000`;
    await cli.ok`run -d --name asks --network town busybox sleep 1000`;
    const hosts = async () => readFile(`/proc/${await show(cli, '.State.Pid', 'asks')}/root/etc/hosts`, 'utf8');
    assert.match(await hosts(), /\bbefore\b/);
    await cli.ok`rename before after`;
    assert.match(await hosts(), /\bafter\b/);
    assert.doesNotMatch(await hosts(), /\bbefore\b/);
    await cli.ok`rm -f after asks`;
    await cli.ok`network rm town`;
  });

  test('update: limits of a running container, and what is refused', async () => {
    await cli.ok`run -d --name grows -m 64m --pids-limit 50 --cpu-shares 512 busybox sleep 1000`;
    assert.equal(await limit(cli, 'grows', 'memory.limit_in_bytes', 'memory.max'), String(64 << 20));
    await cli.ok`update -m 32m --memory-swap 80m --pids-limit 70 --cpu-quota 20000 --cpu-shares 2048 grows`;
    assert.equal(await limit(cli, 'grows', 'memory.limit_in_bytes', 'memory.max'), String(32 << 20));
    assert.match(
      await limit(cli, 'grows', 'memory.memsw.limit_in_bytes', 'memory.swap.max'),
      new RegExp(`^(${80 << 20}|${48 << 20})$`),
    );
    assert.equal(await limit(cli, 'grows', 'pids.max'), '70');
    assert.match(await limit(cli, 'grows', 'cpu.cfs_quota_us', 'cpu.max'), /^20000\b/);
    assert.match(await limit(cli, 'grows', 'cpu.shares', 'cpu.weight'), /^(2048|79|180)$/);
    await cli.ok`update --pids-limit -1 grows`;
    assert.equal(await limit(cli, 'grows', 'pids.max'), 'max');
    assert.equal(
      await show(
        cli,
        '.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuQuota}} {{.HostConfig.PidsLimit',
        'grows',
      ),
      `${32 << 20} ${80 << 20} 20000 0`,
    );
    assert.match(await cli.fails`update -m 100m grows`, /Memory limit should be smaller than already set memoryswap/);
    assert.match(
      await cli.fails`update --cpus 1 grows`,
      /Nano CPUs cannot be updated as CPU Quota has already been set/,
    );
    assert.match(await cli.fails`update --cpuset-cpus 99 grows`, /Requested CPUs are not available/);
    assert.match(await cli.fails`update -m 1m grows`, /Minimum memory limit allowed is 6MB/);
    await cli.ok`restart -t 0 grows`;
    assert.equal(await limit(cli, 'grows', 'memory.limit_in_bytes', 'memory.max'), String(32 << 20));
    await cli.ok`update --restart on-failure:3 grows`;
    assert.equal(
      await show(cli, '.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount', 'grows'),
      'on-failure 3',
    );
    await cli.ok`rm -f grows`;
    await cli.ok`create --rm --name gone busybox true`;
    assert.match(await cli.fails`update --restart always gone`, /because AutoRemove is enabled for the container/);
    await cli.ok`update --cpu-shares 100 gone`;
    await cli.ok`rm gone`;
  });

  test('what the kernel refuses of an update is taken back', async () => {
    await cli.ok`run -d --name full busybox sleep 1000`;
    assert.match(await cli.fails`update --cpu-period 1000 --cpu-quota 99999999999999 full`, /Cannot update container/);
    assert.equal(await show(cli, '.HostConfig.CpuPeriod}} {{.HostConfig.CpuQuota', 'full'), '0 0');
    await cli.ok`rm -f full`;
  });

  test('top', async () => {
    await cli.ok`run -d -t --name busy busybox sh -c ${'sleep 999 & sleep 1000'}`;
    let lines: string[] = [];
    while (lines.length < 3) lines = (await cli.ok`top busy`).split('\n');
    assert.match(lines[0]!, /^UID {17}PID {17}PPID {16}C {19}STIME {15}TTY {17}TIME {16}CMD$/);
    const rows = lines.slice(1).map((line) => line.split(/ {2,}/));
    assert.deepEqual(
      rows.map((row) => [row[0], row[5], row[7]]),
      [
        ['root', 'pts/0', 'sleep 1000'],
        ['root', 'pts/0', 'sleep 999'],
      ],
    );
    assert.equal(rows[0]![1], await show(cli, '.State.Pid', 'busy'));
    assert.equal(rows[1]![2], rows[0]![1]);
    assert.match(rows[0]![4]!, /^\d\d:\d\d$/);
    assert.match((await cli.ok`top busy -o ${'pid,args'}`).split('\n')[1]!, /^\d+ +sleep 1000$/);
    assert.match(await cli.ok`top busy aux`, /^USER +PID +%CPU/);
    assert.match(await cli.fails`top busy -o user`, /Couldn't find PID field in ps output/);
    assert.match(await cli.fails`top busy -o ${'user=PID'}`, /specifying "user=PID" is not allowed/);
    assert.match(await cli.fails`top busy --no-such`, /ps: error: unknown gnu long option/);
    await cli.ok`rm -f busy`;
    await cli.ok`create --name idle busybox`;
    assert.match(await cli.fails`top idle`, /container [0-9a-f]{64} is not running/);
    await cli.ok`rm idle`;
  });

  test('port', async () => {
    await cli.ok`run -d --name web -p 8080:80 -p 127.0.0.1:5353:53/udp busybox sleep 1000`;
    assert.equal(await cli.ok`port web`, '53/udp -> 127.0.0.1:5353\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');
    assert.equal(await cli.ok`port web 80`, '0.0.0.0:8080\n[::]:8080');
    assert.equal(await cli.ok`port web 53/udp`, '127.0.0.1:5353');
    assert.match(
      await cli.fails`port web 81`,
      /No public port '81' published for web|no public port '81' published for web/,
    );
    await cli.ok`rm -f web`;
  });

  test('container prune', async () => {
    await cli.ok`run -d --name runs busybox sleep 1000`;
    await cli.ok`run --name wrote --label keep=no busybox dd if=/dev/zero of=/f bs=1000 count=50`;
    const wrote = await show(cli, '.Id', 'wrote');
    const kept = await cli.ok`create --name kept --label keep=yes busybox`;
    assert.equal(
      await cli.ok`container prune -f --filter ${'label!=keep=yes'}`,
      `Deleted Containers:\n${wrote}\n\nTotal reclaimed space: 50kB`,
    );
    assert.equal(await cli.ok`container prune -f --filter until=1h`, 'Total reclaimed space: 0B');
    assert.match(await cli.fails`container prune -f --filter colour=red`, /invalid filter 'colour'/);
    assert.equal(await cli.ok`container prune -f`, `Deleted Containers:\n${kept}\n\nTotal reclaimed space: 0B`);
    assert.equal(await cli.ok`ps -a --format ${'{{.Names}}'}`, 'runs');
    await cli.ok`rm -f runs`;
  });
});
