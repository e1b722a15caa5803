/** kill -9 of the engine, the launcher and a monitor while containers work: nothing is lost, everything goes on. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { debianArchive } from '#test/support/images.ts';
import { runIn } from '#test/support/netns.ts';
import { monitorOf, processesNaming } from '#test/support/processes.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

/** Prints 0, 1, 2, ... for ever, as fast as it is read. */
const COUNTER = ['sh', '-c', 'i=0; while :; do echo $i; i=$((i+1)); done'];

async function killEngine(): Promise<void> {
  const pid = await daemon.enginePid();
  process.kill(pid, 'SIGKILL');
  while ((await daemon.enginePid()) === pid || Number.isNaN(await daemon.enginePid())) await sleep(2);
  await daemon.ready();
}

const status = (name: string) => daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name]);

async function untilStatus(name: string, wanted: RegExp): Promise<string> {
  for (;;) {
    const now = await status(name);
    if (wanted.test(now)) return now;
    await sleep(20);
  }
}

/** Every line of a counter's log from 0 on, each once. */
function assertCounts(log: string): void {
  const lines = log.split('\n');
  const wrong = lines.findIndex((line, index) => line !== String(index));
  assert.equal(wrong, -1, `line ${wrong} is ${lines[wrong]}`);
}

async function page(port: number): Promise<string> {
  return runIn(daemon.netns.path, ['busybox', 'wget', '-T', '5', '-qO-', `http://127.0.0.1:${port}/f`]);
}

describe('kill -9 of the engine', () => {
  test('containers, logs, exit codes, ports and clients that wait survive', async () => {
    await daemon.ok(['run', '-d', '--name', 'counter', 'busybox', ...COUNTER]);
    await daemon.ok([
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      '8080:80',
      'busybox',
      'sh',
      '-c',
      'echo page > /f; httpd -f -h /',
    ]);
    await daemon.ok(['run', '-d', '--name', 'ends', 'busybox', 'sh', '-c', 'sleep 0.3; echo last words; exit 9']);
    const pid = await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'counter']);
    while ((await page(8080).catch(() => '')) !== 'page\n') await sleep(20);

    const engine = await daemon.enginePid();
    process.kill(engine, 'SIGKILL');
    const waiting = await daemon.docker(['ps', '-a', '--format', '{{.Names}}']);
    assert.deepEqual(waiting.stdout.split('\n').filter(Boolean).sort(), ['counter', 'ends', 'web']);
    assert.notEqual(await daemon.enginePid(), engine);

    assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Pid}} {{.State.Running}}', 'counter']), `${pid} true`);
    assert.equal(await page(8080), 'page\n');
    const second = await daemon.docker(['run', '--rm', '-p', '8080:80', 'busybox', 'true']);
    assert.match(second.stderr, /port is already allocated/);
    assert.equal(await untilStatus('ends', /^exited/), 'exited 9');
    assert.equal(await daemon.ok(['logs', 'ends']), 'last words');
    await daemon.ok(['stop', '-t', '0', 'counter']);
    assertCounts(await daemon.ok(['logs', 'counter']));
    await daemon.ok(['rm', '-f', 'counter', 'web', 'ends']);
    const again = await daemon.ok(['run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free again']);
    assert.equal(again, 'free again');
  });

  test('a container that ended meanwhile has its exit code, and auto-remove still happens', async () => {
    const script = 'until [ -e /go ]; do sleep 0.05; done; exit 5';
    await daemon.ok(['run', '-d', '--name', 'meanwhile', 'busybox', 'sh', '-c', script]);
    await daemon.ok(['run', '-d', '--rm', '--name', 'vanishes', 'busybox', 'sh', '-c', script]);
    const pids = await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'meanwhile', 'vanishes']);
    await daemon.stop();
    for (const pid of pids.split('\n')) await writeFile(`/proc/${pid}/root/go`, '');
    while ((await processesNaming('wherry-monitor', daemon.folder)).length > 0) await sleep(20);
    await daemon.start();
    assert.equal(await status('meanwhile'), 'exited 5');
    assert.match((await daemon.docker(['inspect', 'vanishes'])).stderr, /No such/);
    await daemon.ok(['rm', 'meanwhile']);
  });

  test('six times in a row under load', async () => {
    await daemon.ok(['run', '-d', '--name', 'steady', 'busybox', ...COUNTER]);
    for (let round = 0; round < 6; round++) {
      const started = Promise.all(
        [1, 2, 3].map((n) => daemon.docker(['run', '-d', '--name', `r${round}-${n}`, 'busybox', 'sleep', '1000'])),
      );
      await sleep(Math.random() * 120);
      await killEngine();
      await started;
    }
    await daemon.ok(['kill', 'steady']);
    assertCounts(await daemon.ok(['logs', 'steady']));
    const all = (await daemon.ok(['ps', '-a', '--format', '{{.ID}} {{.State}}'])).split('\n');
    for (const line of all) assert.match(line, /(running|created|exited)$/);
    await daemon.ok(['rm', '-f', ...all.map((line) => line.split(' ')[0]!)]);
  });
});

test('kill -9 of the launcher: the engine ends, containers live, the next daemon takes over', async () => {
  await daemon.ok([
    'run',
    '-d',
    '--name',
    'lives',
    '-p',
    '8081:80',
    'busybox',
    'sh',
    '-c',
    'echo page > /f; httpd -f -h /',
  ]);
  while ((await page(8081).catch(() => '')) !== 'page\n') await sleep(20);
  const engine = await daemon.enginePid();
  process.kill(daemon.launcherPid(), 'SIGKILL');
  while (await readFile(`/proc/${engine}/stat`).catch(() => undefined)) await sleep(10);
  await daemon.start();
  assert.equal(await status('lives'), 'running 0');
  assert.equal(await page(8081), 'page\n');
  assert.match(
    (await daemon.docker(['run', '--rm', '-p', '8081:80', 'busybox', 'true'])).stderr,
    /port is already allocated/,
  );
  await daemon.ok(['rm', '-f', 'lives']);
});

test('kill -9 of a monitor: the state says so, the exit code is known, output so far is kept', async () => {
  const id = await daemon.ok([
    'run',
    '-d',
    '--name',
    'orphan',
    'busybox',
    'sh',
    '-c',
    'echo before; trap "exit 4" TERM; while :; do sleep 0.05; done',
  ]);
  while ((await daemon.ok(['logs', 'orphan'])) !== 'before') await sleep(10);
  process.kill(await monitorOf(id), 'SIGKILL');
  for (let said = ''; !said; await sleep(20)) said = await daemon.ok(['inspect', '-f', '{{.State.Error}}', 'orphan']);
  await daemon.docker(['stop', '-t', '5', 'orphan']);
  assert.equal(await untilStatus('orphan', /^exited/), 'exited 4');
  assert.equal(await daemon.ok(['logs', 'orphan']), 'before');
  await daemon.ok(['start', 'orphan']);
  assert.equal(await status('orphan'), 'running 0');
  await daemon.ok(['rm', '-f', 'orphan']);
});

test('the socket in a container keeps working across engine restarts', async () => {
  await daemon.ok(['load', '-q', '-i', await debianArchive()]);
  const script =
    'use IO::Socket::UNIX; $| = 1; for (;;) { my $s = IO::Socket::UNIX->new("/s") or do { print "no\\n"; next }; ' +
    'print $s "GET /_ping HTTP/1.0\\r\\n\\r\\n"; my $a = join("", <$s>); print $a =~ /OK/ ? "OK\\n" : "bad\\n"; ' +
    'select(undef, undef, undef, 0.1) }';
  await daemon.ok([
    'run',
    '-d',
    '--name',
    'inside',
    '-v',
    `${daemon.socket}:/s`,
    'debian:trixie',
    'perl',
    '-e',
    script,
  ]);
  const answers = async (which: string) =>
    (await daemon.ok(['logs', 'inside'])).split('\n').filter((line) => line === which).length;
  while ((await answers('OK')) < 2) await sleep(50);
  await killEngine();
  const before = await answers('OK');
  while ((await answers('OK')) < before + 2) await sleep(50);
  assert.equal(await answers('no'), 0);
  await daemon.ok(['rm', '-f', 'inside']);
});
