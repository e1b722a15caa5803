/** What containers use: through both command lines, and over the API, compared with the files of the control groups. */
import assert from 'node:assert/strict';
import { glob, readdir, readFile, readlink } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { NetworkStats, StatsResponse } from '#api/types/stats.ts';
import { parseExact } from '#lib/json.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { withEachClient } from '#test/support/each-client.ts';
import { openTerminal } from '#test/support/terminal.ts';

withEachClient((cli, client) => {
  test('stats --no-stream: the table, templates, and what does not run', async () => {
    await cli.ok`run -d --name works -m 64m busybox sh -c ${'while :; do :; done'}`;
    await cli.ok`run -d --name sleeps --network none busybox sleep 1000`;
    await cli.ok`create --name fresh busybox`;
    const id = await cli.ok`inspect -f ${'{{.Id}}'} works`;
    const [head, ...rows] = (await cli.ok`stats --no-stream`).split('\n');
    assert.match(head!, /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/);
    assert.equal(rows.length, 2);
    const busy = rows.find((row) => row.startsWith(id.slice(0, 12)))!;
    assert.match(busy, /^\w{12} +works +\d+\.\d\d% +\S+B \/ 64MiB +\d\.\d\d% +\S+B \/ \S+B +\S+B \/ \S+B +1$/);
    assert.ok(Number(/works +([\d.]+)%/.exec(busy)![1]) > 1, busy);
    assert.match(rows.find((row) => !row.startsWith(id.slice(0, 12)))!, /sleeps +0\.\d\d% .* 0B \/ 0B .* 1$/);

    const all = await cli.ok`stats --no-stream -a --format ${'{{.Name}} {{.PIDs}} {{.MemUsage}}'}`;
    assert.ok(all.split('\n').includes('fresh 0 0B / 0B'), all);
    assert.equal(all.split('\n').length, 3);
    assert.equal(
      await cli.ok`stats --no-stream --no-trunc --format ${'table {{.ID}}\t{{.PIDs}}'} works`,
      `CONTAINER ID${' '.repeat(55)}PIDS\n${id}   1`,
    );
    const json = JSON.parse(await cli.ok`stats --no-stream --format json sleeps`);
    assert.deepEqual(Object.keys(json), [
      ...['BlockIO', 'CPUPerc', 'Container', 'ID', 'MemPerc', 'MemUsage', 'Name', 'NetIO', 'PIDs'],
    ]);
    assert.equal(json.Container, 'sleeps');
    assert.equal(json.NetIO, '0B / 0B');
    assert.match(
      await cli.fails`container stats --no-stream nobody`,
      /Error response from daemon: No such container: nobody/,
    );
    await cli.ok`rm -f works sleeps fresh`;
  });

  test('the live table follows containers that come and go', async () => {
    await cli.ok`run -d --name first busybox sleep 1000`;
    const program = client === 'docker' ? 'docker' : join(import.meta.dirname, '../../bin/wherry');
    const line = ['-H', cli.daemon.host, 'stats', '--format', '{{.Name}} {{.PIDs}}.'];
    const terminal = openTerminal([program, ...line], { ...process.env, DOCKER_CONFIG: cli.daemon.folder });
    try {
      await terminal.until(/first 1\./);
      await cli.ok`run -d --name second busybox sleep 1000`;
      await terminal.until(/second 1\./);
      await cli.ok`rm -f first`;
      await terminal.until(/\x1b\[Hsecond 1\./);
    } finally {
      terminal.close();
      await terminal.ended;
    }
    await cli.ok`rm -f second`;
  });
});

suite('the API', () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(() => daemon.close());

  /** Samples from the daemon until `stop` is called or it ends them. */
  function samples(path: string, version = '1.51') {
    const { promise: head, resolve } = Promise.withResolvers<IncomingMessage>();
    const request = get({ socketPath: daemon.socket, path: `/v${version}${path}`, agent: false }, resolve);
    request.on('error', () => {}); // `stop`
    async function* lines() {
      let rest = '';
      for await (const piece of await head) {
        const [...whole] = (rest + piece).split('\n');
        rest = whole.pop()!;
        for (const line of whole) yield parseExact(line) as StatsResponse;
      }
      if (rest !== '') yield parseExact(rest) as StatsResponse;
    }
    return { lines: lines(), stop: () => request.destroy(), status: async () => (await head).statusCode };
  }

  async function one(path: string, version?: string): Promise<StatsResponse> {
    const { value } = await samples(path, version).lines.next();
    return value as StatsResponse;
  }

  const groupFile = async (id: string, name: string, controller = '*') => {
    const [path] = await Array.fromAsync(glob(`/sys/fs/cgroup/{,${controller}/}wherry/${id}/${name}`));
    return path === undefined ? undefined : (await readFile(path, 'utf8')).trim();
  };

  /** What the files of a container's control group say, and a sample during which none of them changed: the kernel adds up late. */
  async function sampleWithFiles(id: string, files: Record<string, [name: string, controller?: string]>) {
    const read = async () =>
      Object.fromEntries(
        await Promise.all(Object.entries(files).map(async ([key, where]) => [key, await groupFile(id, ...where)])),
      ) as Record<string, string | undefined>;
    for (;;) {
      const before = await read();
      const stats = await one(`/containers/${id}/stats?stream=0&one-shot=1`);
      const after = await read();
      if (isDeepStrictEqual(before, after)) return { stats, files: after };
    }
  }

  test('a sample says what the files of the control group say', async (t) => {
    const flags = ['-d', '--name', 'still', '-m', '96m', '--cpu-quota', '50000', '--pids-limit', '20'];
    const script = 'cat /bin/busybox >/dev/null; exec sleep 1000';
    const id = await daemon.ok(['run', ...flags, 'busybox', 'sh', '-c', script]);
    while (!/\d\d +sleep 1000/.test(await daemon.ok(['top', 'still'])));
    const { stats, files } = await sampleWithFiles(id, {
      usage: ['{memory.usage_in_bytes,memory.current}'],
      memory: ['memory.stat'],
      total: ['cpuacct.usage'],
      each: ['cpuacct.usage_percpu'],
      cpu: ['cpu.stat', 'cpu'],
      io: ['blkio.throttle.io_service_bytes_recursive'],
    });
    const after = await one('/containers/still/stats?stream=false');
    assert.equal(stats.id, id);
    assert.equal(stats.name, '/still');
    assert.equal(stats.preread, '0001-01-01T00:00:00Z');
    assert.equal(stats.precpu_stats.cpu_usage.total_usage, 0);
    assert.deepEqual(stats.pids_stats, { current: 1, limit: 20 });
    assert.equal(stats.memory_stats.limit, 96 << 20);
    assert.equal(stats.cpu_stats.online_cpus, cpus().length);
    assert.ok(Math.abs(Number(stats.memory_stats.usage) - Number(files.usage)) < 1 << 20, `${files.usage}`);

    if (files.total === undefined) return t.diagnostic('no legacy hierarchies here');
    const keyed = (text: string) => Object.fromEntries(text.split('\n').map((line) => line.split(' ')));
    const memory = keyed(files.memory!);
    for (const name of ['cache', 'total_inactive_file', 'hierarchical_memory_limit', 'hierarchical_memsw_limit']) {
      assert.equal(String(stats.memory_stats.stats?.[name]), memory[name], name);
    }
    assert.equal(String(stats.cpu_stats.cpu_usage.total_usage), files.total);
    assert.deepEqual(stats.cpu_stats.cpu_usage.percpu_usage?.map(String), files.each!.split(' '));
    const bandwidth = keyed(files.cpu!);
    assert.equal(String(stats.cpu_stats.throttling_data.throttled_time), bandwidth.throttled_time);
    const { io_service_bytes_recursive: bytes } = stats.blkio_stats;
    assert.deepEqual(
      bytes!.map(({ major, minor, op, value }) => `${major}:${minor} ${op} ${value}`),
      files.io!.split('\n').slice(0, -1),
    );

    assert.notEqual(after.preread, '0001-01-01T00:00:00Z');
    assert.ok(after.read > after.preread);
    assert.equal(after.precpu_stats.cpu_usage.total_usage, stats.cpu_stats.cpu_usage.total_usage);
    assert.ok(after.cpu_stats.system_cpu_usage! > after.precpu_stats.system_cpu_usage!);
    await daemon.ok(['rm', '-f', 'still']);
  });

  test('interfaces are those of the container’s networks, also of a shared one; older clients get their sum', async () => {
    await daemon.ok(['network', 'create', 'town']);
    await daemon.ok(['run', '-d', '--name', 'talks', 'busybox', 'sleep', '1000']);
    await daemon.ok(['network', 'connect', 'town', 'talks']);
    await daemon.ok(['run', '-d', '--name', 'shares', '--network', 'container:talks', 'busybox', 'sleep', '1000']);
    await daemon.ok(['run', '-d', '--name', 'open', '--network', 'host', 'busybox', 'sleep', '1000']);
    const gateway = await daemon.ok(['inspect', '-f', '{{.NetworkSettings.Networks.town.Gateway}}', 'talks']);
    await daemon.ok(['exec', 'talks', 'ping', '-c', '3', '-s', '1000', gateway]);
    const now = '?stream=0&one-shot=1';
    const { networks } = await one(`/containers/talks/stats${now}`);
    assert.deepEqual(Object.keys(networks!), ['eth0', 'eth1']);
    assert.ok(Number(networks!.eth1!.tx_bytes) > 3000 && Number(networks!.eth1!.rx_packets) >= 3, `${networks}`);
    assert.deepEqual(Object.keys((await one(`/containers/shares/stats${now}`)).networks!), ['eth0', 'eth1']);
    assert.equal((await one(`/containers/open/stats${now}`)).networks, undefined);
    const old = (await one('/containers/talks/stats?stream=0', '1.20')) as StatsResponse & { network: NetworkStats };
    assert.ok(Number(old.network.tx_bytes) >= Number(networks!.eth1!.tx_bytes));
    assert.ok(!('networks' in old) && !('name' in old) && !('id' in old));
    await daemon.ok(['rm', '-f', 'talks', 'shares', 'open']);
    await daemon.ok(['network', 'rm', 'town']);
  });

  test('a stream goes on over a stop and a start, and ends with the container', async () => {
    await daemon.ok(['run', '-d', '--name', 'again', 'busybox', 'sleep', '1000']);
    const { lines } = samples('/containers/again/stats');
    const next = async () => (await lines.next()).value as StatsResponse;
    const first = await next();
    assert.equal(first.pids_stats.current, 1);
    assert.equal((await next()).preread, first.read);
    await daemon.ok(['stop', '-t', '0', 'again']);
    let stats = await next();
    while (stats.pids_stats.current) stats = await next();
    assert.equal(stats.read, '0001-01-01T00:00:00Z');
    assert.deepEqual(stats.memory_stats, {});
    assert.equal(stats.name, '/again');
    await daemon.ok(['start', 'again']);
    while (!stats.pids_stats.current) stats = await next();
    assert.ok(Number(stats.memory_stats.usage) > 0);
    await daemon.ok(['rm', '-f', 'again']);
    while (!(await lines.next()).done);
  });

  test('what is asked for is checked', async () => {
    await daemon.ok(['create', '--name', 'fresh', 'busybox']);
    assert.equal(await samples('/containers/nobody/stats').status(), 404);
    assert.equal(await samples('/containers/fresh/stats?one-shot=1').status(), 400);
    assert.equal(await samples('/containers/fresh/stats?one-shot=1&stream=0', '1.40').status(), 200);
    const empty = await one('/containers/fresh/stats?stream=0');
    assert.deepEqual(empty.cpu_stats, empty.precpu_stats);
    assert.equal(empty.blkio_stats.sectors_recursive, null);
    await daemon.ok(['rm', 'fresh']);
  });

  test('readers share the files that are read, and leave none of them open', async () => {
    const id = await daemon.ok(['run', '-d', 'busybox', 'sleep', '1000']);
    const pid = await daemon.enginePid();
    const openFiles = async () => {
      const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
      return (await Promise.all(links)).filter((path) => path.includes(`/${id}/`)).length;
    };
    const readers = Array.from({ length: 30 }, () => samples(`/containers/${id}/stats`));
    const seen = await Promise.all(readers.map(({ lines }) => lines.next().then(() => lines.next())));
    assert.equal(new Set(seen.map(({ value }) => (value as StatsResponse).read)).size <= 2, true);
    const files = await openFiles();
    assert.ok(files > 0 && files < 20, `${files} files`);
    for (const { stop } of readers) stop();
    while ((await openFiles()) > 0) await sleep(10);
    await daemon.ok(['rm', '-f', id]);
  });
});
