import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';

const statFields = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
const startTime = (pid: number) => statFields(pid)[19]!;

async function until<Value>(condition: () => Value): Promise<Value> {
  for (let round = 0; round < 500; round++) {
    const value = condition();
    if (value) return value;
    await sleep(10);
  }
  throw new Error(`never came true: ${condition}`);
}

describe('processes through the launcher', () => {
  let home: string;
  let server: TestLauncher;
  const spawned: number[] = [];
  const start = async (script: string, more: object = {}) => {
    const { pid } = await server.launcher.spawn({ argv: ['/bin/sh', '-c', script], ...more });
    spawned.push(pid);
    return pid;
  };

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'wherry-process-'));
    server = await startLauncher();
  });
  after(async () => {
    for (const pid of spawned) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    rmSync(home, { recursive: true });
    await server.close();
  });

  test('a spawned process inherits nothing: session, stdio, descriptors, signals', async () => {
    const pid = await start('exec sleep 60', { cwd: home });
    await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^SigBlk:\s0+$/m);
    assert.match(status, /^SigIgn:\s0+$/m);
    assert.equal(statFields(pid)[3], String(pid), 'session leader');
    const { stdout } = await server.launcher.run({ argv: ['ls', `/proc/${pid}/fd`] });
    assert.deepEqual(stdout.toString().trim().split('\n'), ['0', '1', '2']);
    for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), home);
  });

  test('a spawned process that ends leaves no zombie, and one that runs outlives the launcher', async () => {
    const own = await startLauncher();
    const short = await own.launcher.spawn({ argv: ['true'] });
    await until(() => !existsSync(`/proc/${short.pid}`));
    const { pid } = await own.launcher.spawn({ argv: ['sleep', '60'] });
    spawned.push(pid);
    process.kill(own.pid, 'SIGKILL');
    await own.close();
    assert.match(statFields(pid)[0]!, /[RS]/);
    assert.notEqual(statFields(pid)[1], String(own.pid));
  });

  test('a program that cannot be started is an error', async () => {
    await assert.rejects(server.launcher.spawn({ argv: ['/no/such/program'] }), { code: 'ENOENT', kind: 'system' });
    await assert.rejects(server.launcher.spawn({ argv: ['/etc/passwd'] }), { code: 'EACCES' });
    await assert.rejects(server.launcher.spawn({ argv: ['true'], cwd: join(home, 'none') }), { code: 'ENOENT' });
    await assert.rejects(server.launcher.spawn({ argv: [] }), { code: 'EBADMSG' });
    const listenSocket = join(home, 'n'.repeat(108));
    await assert.rejects(server.launcher.spawn({ argv: ['true'], listenSocket }), { code: 'ENAMETOOLONG' });
    await assert.rejects(server.launcher.run({ argv: ['a\0b'] }), { code: 'EINVAL' });
  });

  for (const [name, path] of [
    ['a short path', 'a.sock'],
    ['a path over 107 bytes', `${'d'.repeat(120)}/a.sock`],
  ] as const) {
    test(`a spawned process listens on ${name} before it runs its first instruction`, async () => {
      const listenSocket = join(home, path);
      mkdirSync(join(listenSocket, '..'), { recursive: true });
      writeFileSync(listenSocket, 'stale');
      const accept = 'import socket; c, _ = socket.socket(fileno=3).accept(); c.sendall(b"hello"); c.close()';
      const { pid } = await server.launcher.spawn({ argv: ['python3', '-c', accept], listenSocket });
      spawned.push(pid);
      const stat = statSync(listenSocket);
      assert.equal(stat.isSocket() && stat.mode & 0o777, 0o600);
      const folder = openSync(join(listenSocket, '..'), 'r');
      const client = createConnection(`/proc/self/fd/${folder}/a.sock`);
      const [greeting] = await once(client, 'data');
      assert.equal(String(greeting), 'hello');
      client.destroy();
      closeSync(folder);
    });
  }

  test('a spawned process has a read-only mount of a file, from which it can start a program', async () => {
    const program = join(home, 'program');
    cpSync('/bin/sh', program);
    const script = 'exec 2>/dev/null; (echo >>/proc/$$/fd/0) && echo written; exec /proc/$$/fd/0 -c "echo started"';
    const listenSocket = join(home, 'r.sock');
    const argv = ['sh', '-c', `{ ${script}; } >${home}/said`];
    spawned.push((await server.launcher.spawn({ argv, listenSocket, readOnly: program })).pid);
    await until(() => existsSync(join(home, 'said')) && readFileSync(join(home, 'said'), 'utf8') === 'started\n');
    const missing = await server.launcher.spawn({ argv: ['sleep', '60'], readOnly: join(home, 'missing') });
    spawned.push(missing.pid);
    assert.equal(readlinkSync(`/proc/${missing.pid}/fd/0`), '/dev/null');
  });

  test('a socket whose program cannot be started is removed', async () => {
    const listenSocket = join(home, 'unused.sock');
    await assert.rejects(server.launcher.spawn({ argv: ['/no/such/program'], listenSocket }), { code: 'ENOENT' });
    assert.equal(existsSync(listenSocket), false);
  });

  test('run gives both streams, the exit code and the signal', async () => {
    const script = 'cat; echo problem >&2; exit 3';
    const result = await server.launcher.run({ argv: ['sh', '-c', script], stdin: Buffer.from('in\0put') });
    assert.deepEqual(result, {
      code: 3,
      signal: null,
      stdout: Buffer.from('in\0put'),
      stderr: Buffer.from('problem\n'),
    });
    const killed = await server.launcher.run({ argv: ['sh', '-c', 'kill -TERM $$'] });
    assert.deepEqual([killed.code, killed.signal], [null, 15]);
  });

  test('run caps output, takes large input, ignores who does not read it', async () => {
    const stdin = Buffer.alloc(900_000, 'x');
    const copied = await server.launcher.run({ argv: ['cat'], stdin });
    assert.equal(copied.stdout.length, 65536);
    const counted = await server.launcher.run({ argv: ['wc', '-c'], stdin });
    assert.equal(counted.stdout.toString(), '900000\n');
    assert.equal((await server.launcher.run({ argv: ['true'], stdin })).code, 0);
  });

  test('run ends at its deadline although the program prints on, and does not wait for orphans', async () => {
    const chatter = 'yes | head -c 100000; while :; do echo; done 2>/dev/null';
    const chatty = await server.launcher.run({ argv: ['sh', '-c', chatter], timeoutMs: 300 });
    assert.equal(chatty.stdout.length, 65536);
    assert.equal(chatty.signal, 9);
    const pidFile = join(home, 'orphan');
    await server.launcher.run({ argv: ['sh', '-c', `sleep 60 & echo $! > ${pidFile}`] });
    spawned.push(Number(readFileSync(pidFile, 'utf8')));
  });

  test('what a program prints has an end', async () => {
    const endless = await server.launcher.run({ argv: ['yes'], timeoutMs: 10_000 });
    assert.deepEqual([endless.code, endless.stdout.length], [1, 65536]);
    assert.match(endless.stderr.toString(), /not permitted/);
  });

  test('forty slow programs do not keep a quick one waiting', async () => {
    const abort = new AbortController();
    const slow = Array.from({ length: 40 }, () => server.launcher.run({ argv: ['sleep', '60'], timeoutMs: 2000 }));
    const finished = Promise.race(slow).then(() => assert.equal(abort.signal.aborted, true, 'the quick one was first'));
    await server.launcher.run({ argv: ['true'] });
    abort.abort();
    await finished;
    await Promise.all(slow);
  });

  test('watching a process gives its exit code or signal', async () => {
    const barrier = join(home, 'barrier');
    writeFileSync(barrier, '');
    const exits = [0, 3, 255].map(async (code) => {
      const pid = await start(`while [ -e ${barrier} ]; do sleep 0.01; done; exit ${code}`);
      return { exit: server.launcher.watchPid(pid, startTime(pid)) };
    });
    const watched = await Promise.all(exits);
    const pid = await start('exec sleep 60');
    const exit = server.launcher.watchPid(pid, startTime(pid));
    await server.launcher.heldPorts();
    rmSync(barrier);
    process.kill(pid, 'SIGKILL');
    assert.deepEqual(await Promise.all(watched.map((watch) => watch.exit)), [{ code: 0 }, { code: 3 }, { code: 255 }]);
    assert.deepEqual(await exit, { signal: 9 });
  });

  test('a process of somebody else can be watched too', async () => {
    const child = spawn('sh', ['-c', 'read line; exit 7'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const exit = server.launcher.watchPid(child.pid!, startTime(child.pid!));
    await server.launcher.heldPorts();
    child.stdin.end();
    assert.deepEqual(await exit, { code: 7 });
  });

  test('a process that is gone, or another one with its pid, has ended with an unknown code', async () => {
    assert.deepEqual(await server.launcher.watchPid(process.pid, '1'), {});
    const pid = await start('true');
    await until(() => !existsSync(`/proc/${pid}`));
    assert.deepEqual(await server.launcher.watchPid(pid, '1'), {});
  });

  test('a watch can be given up, before and after it began', async () => {
    const pid = await start('exec sleep 60');
    const controller = new AbortController();
    const watch = server.launcher.watchPid(pid, startTime(pid), controller.signal);
    await server.launcher.heldPorts();
    controller.abort();
    await assert.rejects(watch, { kind: 'cancelled' });
    await assert.rejects(server.launcher.watchPid(pid, startTime(pid), controller.signal), { kind: 'cancelled' });
  });
});
