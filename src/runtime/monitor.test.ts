import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isEngineError } from '#errors/errors.ts';
import { demultiplex, monitorRoom, readAll, readLog } from '#test/support/monitor.ts';
import { blankExitRecord, readExitRecord } from './exit-record.ts';
import { connectMonitor, openMonitor, RuntimeStartError } from './monitor.ts';
import { encodeFrame, message, request } from './monitor-wire.ts';

const room = monitorRoom();
after(() => room.close());
const run = promisify(execFile);

async function runtimeKnows(id: string): Promise<boolean> {
  const { stdout } = await run(room.runtime, ['--root', room.runtimeRoot, 'list', '-q']);
  return stdout.split('\n').includes(id);
}

test('a container runs: attached output, log, exit record, clean-up', async () => {
  const container = { args: ['sh', '-c', 'echo one; echo two >&2; exit 3'] };
  const { control, log, exitFile, id } = await room.monitor({ container });
  assert.equal((await control.state()).phase, 'waiting');
  const stream = await control.attach({ stdout: true, stderr: true, framing: 'docker' });
  const started = await control.start();
  assert.ok(started.pid > 1);
  assert.match(started.processStartTime, /^\d+$/);
  assert.deepEqual(demultiplex(await readAll(stream)), { stdout: 'one\n', stderr: 'two\n' });
  const exit = await control.exited;
  assert.equal(exit.code, 3);
  const record = await readExitRecord(exitFile);
  assert.deepEqual(record, {
    code: 3,
    signal: 0,
    oom: false,
    pid: started.pid,
    startedAt: started.startedAt,
    finishedAt: exit.finishedAt,
  });
  assert.ok(record!.finishedAt >= record!.startedAt);
  assert.deepEqual(await control.gone, { cleaned: true });
  assert.equal(await runtimeKnows(id), false);
  const lines = readLog(log).map(({ log, stream }) => `${stream}:${log}`);
  assert.deepEqual(lines.sort(), ['stderr:two\n', 'stdout:one\n']);
});

test('the exit record is there before anybody is told', async () => {
  const { control, exitFile } = await room.monitor({ container: { args: ['true'] } });
  await control.start();
  await control.exited;
  assert.ok(existsSync(exitFile));
});

test('an exit record takes the whole place of an earlier one, which had been blanked or not', async () => {
  const exitFile = join(room.root, 'again.json');
  await blankExitRecord(exitFile);
  assert.equal(await readExitRecord(exitFile), undefined);
  for (const exit of ['exit 200', 'exit 3']) {
    const { control } = await room.monitor({ container: { args: ['sh', '-c', exit] }, exitFile, exitSync: true });
    await control.start();
    await control.exited;
    assert.equal((await readExitRecord(exitFile))?.code, Number(exit.slice(5)));
  }
  await blankExitRecord(exitFile);
  assert.equal(await readExitRecord(exitFile), undefined);
  assert.equal(statSync(exitFile).size, 256);
});

test('signals reach the process; a killed one has the code 128 + signal', async () => {
  const trap = 'trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done';
  const trapping = await room.monitor({ container: { args: ['sh', '-c', trap] } });
  await assert.rejects(trapping.control.kill(15), (error) => isEngineError(error) && error.code === 'ESRCH');
  const ready = await trapping.control.attach({ stdout: true, framing: 'raw' });
  await trapping.control.start();
  await once(ready, 'data');
  await trapping.control.kill(15);
  assert.deepEqual([(await trapping.control.exited).code, (await trapping.control.exited).signal], [42, 0]);

  const killed = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await killed.control.start();
  await killed.control.kill(9);
  assert.deepEqual([(await killed.control.exited).code, (await killed.control.exited).signal], [137, 9]);
  await killed.control.gone;
  await assert.rejects(killed.control.kill(9), (error) => isEngineError(error) && error.code === 'MONITOR_GONE');
});

test('a container outlives its engine: a new connection finds it running, and hears of its end', async () => {
  const { control, socket, exitFile } = await room.monitor({ container: { args: ['sleep', '1000'] } });
  const started = await control.start();
  control.close();
  const second = await connectMonitor(socket);
  const state = await second.state();
  assert.equal(state.phase, 'running');
  assert.equal(state.pid, started.pid);
  assert.equal(state.startedAt, started.startedAt);
  assert.equal((await second.start()).pid, started.pid, 'a second START changes nothing');
  const next = connectMonitor(socket);
  assert.equal((await second.state()).phase, 'running', 'the next connection waits');
  second.close();
  const third = await next;
  await third.kill(9);
  assert.equal((await third.exited).code, 137);
  assert.deepEqual(await third.gone, { cleaned: true });
  assert.equal((await readExitRecord(exitFile))?.code, 137);
  await assert.rejects(connectMonitor(socket), (error) => isEngineError(error) && error.code === 'MONITOR_GONE');
});

test('nobody connected when it ends: record and clean-up all the same', async () => {
  const { control, exitFile, id, process } = await room.monitor({
    container: { args: ['sh', '-c', 'sleep 0.2; exit 5'] },
  });
  await control.start();
  control.close();
  await once(process, 'exit');
  assert.equal((await readExitRecord(exitFile))?.code, 5);
  assert.equal(await runtimeKnows(id), false);
});

test('a starter that leaves before START leaves no trace', async () => {
  const { control, process, exitFile, log, id } = await room.monitor({});
  control.close();
  await once(process, 'exit');
  assert.equal(process.exitCode, 0);
  assert.equal(existsSync(exitFile) || existsSync(log), false);
  assert.equal(await runtimeKnows(id), false);
});

test('a monitor that is killed: its connections end without a clean-up', async () => {
  const { control, process, id } = await room.monitor({ container: { args: ['sleep', '1000'] } });
  const { pid } = await control.start();
  process.kill('SIGKILL');
  assert.deepEqual(await control.gone, { cleaned: false });
  await assert.rejects(control.exited, (error) => isEngineError(error) && error.code === 'MONITOR_GONE');
  globalThis.process.kill(pid, 0);
  await run(room.runtime, ['--root', room.runtimeRoot, 'delete', '--force', id]);
});

test('a monitor does not mind signals that are meant for its session', async () => {
  const { control, process } = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await control.start();
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE', 'SIGUSR1'] as const) process.kill(signal);
  assert.equal((await control.state()).phase, 'running');
  await control.kill(9);
  assert.equal((await control.exited).code, 137);
});

test('the container does not inherit what the monitor changed for itself', async () => {
  const files = ['/proc/self/oom_score_adj', '/proc/self/limits', '/proc/self/status'];
  const facts = (text: string) => text.match(/^(-?\d+|Max open files.*|Sig(Blk|Ign).*)$/gm);
  const { control } = await room.monitor({ container: { args: ['cat', ...files], noOomScore: true } });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  const { stdout } = await run('cat', files);
  assert.deepEqual(facts(await readAll(stream)), facts(stdout));
});

test('exec: output, stdin, exit code; the container goes on', async () => {
  const container = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await container.control.start();
  const exec = await room.monitor({
    exec: { id: container.id, process: { args: ['sh', '-c', 'cat; exit 7'] } },
    openStdin: true,
    log: undefined,
  });
  const stream = await exec.control.attach({ stdin: true, stdout: true, framing: 'raw' });
  const { pid } = await exec.control.start();
  assert.ok(pid > 0);
  stream.end('through the exec');
  assert.equal(await readAll(stream), 'through the exec');
  assert.equal((await exec.control.exited).code, 7);
  assert.deepEqual(await exec.control.gone, { cleaned: true });
  assert.equal((await readExitRecord(exec.exitFile))?.pid, pid);
  assert.equal(existsSync(exec.log), false, 'an exec without log option has none');
  assert.equal((await container.control.state()).phase, 'running');
  await container.control.kill(9);
});

test('a process that the exec left behind does not hold up its end', async () => {
  const container = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await container.control.start();
  const process = { args: ['sh', '-c', 'echo before; sleep 1000 & exit 4'] };
  const exec = await room.monitor({ exec: { id: container.id, process } });
  const stream = await exec.control.attach({ stdout: true, framing: 'raw' });
  await exec.control.start();
  assert.equal(await readAll(stream), 'before\n');
  assert.equal((await exec.control.exited).code, 4);
  await container.control.kill(9);
});

test('an orphan that floods stdout does not hold up the end either', async () => {
  const container = { args: ['sh', '-c', 'yes & sleep 0.1; exit 6'], hostPid: true };
  const { control, id } = await room.monitor({ container });
  await control.start();
  assert.equal((await control.exited).code, 6);
  assert.deepEqual(await control.gone, { cleaned: true });
  assert.equal(await runtimeKnows(id), false);
});

test('a container that runs out of memory says so', async () => {
  const greedy = await room.monitor({
    container: { args: ['tail', '-c', '500000000', '/dev/zero'], memory: 32 << 20 },
  });
  await greedy.control.start();
  const exit = await greedy.control.exited;
  assert.deepEqual([exit.code, exit.signal, exit.oom], [137, 9, true]);
  assert.equal((await readExitRecord(greedy.exitFile))?.oom, true);
  const modest = await room.monitor({ container: { args: ['true'], memory: 32 << 20 } });
  await modest.control.start();
  assert.equal((await modest.control.exited).oom, false);
});

test('an exit record for a directory that is gone: the engine is told all the same', async () => {
  const exitFile = join(room.root, 'no/such/exit');
  const { control } = await room.monitor({ container: { args: ['sleep', '1000'] }, exitFile });
  await control.start();
  await control.kill(9);
  assert.equal((await control.exited).code, 137);
  assert.deepEqual(await control.gone, { cleaned: true });
});

test('an exit record for a full disk: the engine is told, and the record waits for room', async () => {
  const folder = join(room.root, 'full');
  mkdirSync(folder);
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'wherry-test', folder]);
  try {
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(64 << 10));
    const exitFile = join(folder, 'exit');
    const container = { args: ['sh', '-c', 'sleep 0.1; exit 9'] };
    const told = await room.monitor({ container, exitFile });
    await told.control.start();
    assert.equal((await told.control.exited).code, 9);
    assert.deepEqual(await told.control.gone, { cleaned: true });

    const alone = await room.monitor({ container, exitFile: `${exitFile}.alone` });
    await alone.control.start();
    alone.control.close();
    await sleep(500);
    const second = await connectMonitor(alone.socket);
    const { phase, code } = await second.state();
    assert.deepEqual([phase, code], ['ended', 9]);
    second.close();

    rmSync(join(folder, 'ballast'));
    for (const { process } of [told, alone]) if (process.exitCode === null) await once(process, 'exit');
    assert.equal((await readExitRecord(exitFile))?.code, 9);
    assert.equal((await readExitRecord(`${exitFile}.alone`))?.code, 9);
  } finally {
    await run('umount', ['-l', folder]);
  }
});

test('paths longer than a socket address', async () => {
  const long = join(room.root, 'd'.repeat(120), 'e'.repeat(60));
  mkdirSync(long, { recursive: true });
  const container = { args: ['sh', '-c', 'test -t 0 && echo terminal'], terminal: true };
  const { control } = await room.monitor({ container, directory: long, socket: join(long, 'monitor.sock') });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  assert.equal(await readAll(stream), 'terminal\r\n');
  assert.equal((await control.exited).code, 0);
});

test('a hundred clients get what is printed, a hundred questions their answers', async () => {
  const { control } = await room.monitor({ container: { args: ['sh', '-c', 'echo hello; sleep 1000'] } });
  const streams = await Promise.all(
    Array.from({ length: 100 }, () => control.attach({ stdout: true, framing: 'raw' })),
  );
  await control.start();
  await Promise.all(streams.map((stream) => once(stream, 'data')));
  const states = await Promise.all(Array.from({ length: 100 }, () => control.state()));
  assert.deepEqual(new Set(states.map(({ phase }) => phase)), new Set(['running']));
  const ends = streams.map((stream) => once(stream.resume(), 'end'));
  await control.kill(9);
  assert.equal((await control.exited).code, 137);
  await Promise.all(ends);
  await control.gone;
});

test('a runtime that hangs: the wait can be given up, the runtime killed', async () => {
  const runtime = join(room.root, 'hanging-runtime');
  writeFileSync(runtime, '#!/bin/sh\ncase "$*" in *delete*) exit 0 ;; esac\nexec sleep 1000\n', { mode: 0o755 });
  const { control, exitFile } = await room.monitor({ runtime });
  await assert.rejects(control.start({ signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
  assert.equal((await control.state()).phase, 'starting');
  await control.kill(9);
  await assert.rejects(control.start(), (error) => error instanceof RuntimeStartError && error.report.status === 9);
  assert.deepEqual(await control.gone, { cleaned: true });
  assert.equal(existsSync(exitFile), false);
});

test('a start that is asked for again has the same answer, and is not sent again', async () => {
  const path = join(room.root, 'listening');
  const report = Buffer.alloc(8);
  report.writeInt32LE(9, 0);
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      received.push(bytes);
      socket.write(encodeFrame(message.startFailed, report));
    });
  });
  await once(server.listen(path), 'listening');
  const control = await openMonitor(path);
  for (const _ of ['once', 'again']) {
    await assert.rejects(control.start(), (error) => error instanceof RuntimeStartError && error.report.status === 9);
  }
  control.close();
  await control.gone;
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(Buffer.concat(received), encodeFrame(request.start));
});

test('a clean-up that hangs or fails does not hold the monitor for ever', async () => {
  const runtime = join(room.root, 'untidy-runtime');
  for (const untidy of ['exec sleep 1000', 'exit 1']) {
    writeFileSync(runtime, `#!/bin/sh\ncase "$*" in *delete*) ${untidy} ;; esac\nexec ${room.runtime} "$@"\n`, {
      mode: 0o755,
    });
    const { control, id } = await room.monitor({ container: { args: ['true'] }, runtime, cleanupTimeout: 1 });
    await control.start();
    assert.equal((await control.exited).code, 0);
    assert.deepEqual(await control.gone, { cleaned: false });
    await run(room.runtime, ['--root', room.runtimeRoot, 'delete', '--force', id]);
  }
});

test('a connection that speaks another protocol is ended, the one before and the one after it are not', async () => {
  const { control, socket } = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await control.start();
  const stranger = connect(socket);
  stranger.write('GET / HTTP/1.1\r\n\r\n');
  stranger.on('error', () => {});
  const ended = once(stranger, 'close');
  const next = connectMonitor(socket);
  assert.equal((await control.state()).phase, 'running');
  control.close();
  await ended;
  const second = await next;
  assert.equal((await second.state()).phase, 'running');
  await second.kill(9);
  await second.gone;
});

test('no exit record: undefined; not an exit record: an error with a hint', async () => {
  const path = join(room.root, 'record');
  assert.equal(await readExitRecord(path), undefined);
  writeFileSync(path, '{"version":2}');
  await assert.rejects(readExitRecord(path), (error) => isEngineError(error) && error.code === 'EXIT_RECORD');
});

test('a signal is answered before the end that it brought, also when both come at once', async (t) => {
  const state = (phase: number) => {
    const payload = Buffer.alloc(64);
    payload.writeUInt32LE(phase, 0);
    payload.writeInt32LE(7, 4);
    return payload;
  };
  // a monitor's side of the conversation: no real one can be made to say both in one piece
  const answers = [
    encodeFrame(message.state, state(2)),
    Buffer.concat([encodeFrame(message.reply, Buffer.alloc(4)), encodeFrame(message.exited, state(3))]),
  ];
  const path = join(mkdtempSync('/tmp/wherry-monitor-'), 'monitor.sock');
  const server = createServer((socket) => {
    socket.on('data', () => (answers.length > 0 ? socket.write(answers.shift()!) : undefined));
    socket.on('error', () => {});
  });
  server.listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    rmSync(dirname(path), { recursive: true });
  });
  const control = await connectMonitor(path);
  t.after(() => control.close());
  const order: string[] = [];
  const exited = control.exited.then(() => order.push('exited'));
  const sendSignal = async () => await control.kill(9); // one more wait than the answer itself, as its callers have
  await sendSignal();
  order.push('signalled');
  await exited;
  assert.deepEqual(order, ['signalled', 'exited']);
});
