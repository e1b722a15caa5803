import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEngineError } from '#errors/errors.ts';
import { monitorRoom, readAll, readLog, until } from '#test/support/monitor.ts';

const room = monitorRoom();
after(() => room.close());

const megabyte = 1 << 20;

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

writeFileSync(
  join(room.rootfs, 'lines'),
  upTo(60_000)
    .map((number) => `${String(number).padStart(99, '0')}\n`)
    .join(''),
);

/** Prints numbered lines of 100 bytes. */
const numberedLines = (count: number) => ['head', '-n', String(count), '/lines'];

function numbers(text: string): number[] {
  return text.trimEnd().split('\n').map(Number);
}

test('20 MB of stdin arrive whole, then their end', async () => {
  const { control } = await room.monitor({ container: { args: ['md5sum'] }, openStdin: true });
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  const input = randomBytes(20 * megabyte);
  await control.start();
  stream.end(input);
  assert.equal(await readAll(stream), `${createHash('md5').update(input).digest('hex')}  -\n`);
  assert.equal((await control.exited).code, 0);
});

test('stdin that was sent and closed before the start is not lost', async () => {
  const { control } = await room.monitor({ container: { args: ['cat'] }, openStdin: true });
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  stream.end('early');
  await sleep(50);
  await control.start();
  assert.equal(await readAll(stream), 'early');
});

test('output that was not read yet survives input for a process that has ended', async () => {
  const { control } = await room.monitor({ container: { args: numberedLines(1_500) }, openStdin: true });
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  await control.start();
  await control.exited;
  await sleep(100); // long enough for a monitor that does not wait for us to be gone
  stream.end('too late');
  await sleep(50);
  assert.deepEqual(numbers(await readAll(stream)), upTo(1_500));
});

test('a writer waits for a container that does not read', async () => {
  const { control } = await room.monitor({ container: { args: ['sleep', '1000'] }, openStdin: true });
  await control.start();
  const stream = await control.attach({ stdin: true, framing: 'raw' });
  let written = 0;
  while (written < 64 * megabyte) {
    const more = stream.write(Buffer.alloc(megabyte));
    written += megabyte;
    if (!more && (await Promise.race([once(stream, 'drain'), sleep(200, 'stuck')])) === 'stuck') break;
  }
  assert.ok(written < 16 * megabyte, `${written} bytes were taken`);
  await control.kill(9);
  assert.equal((await control.exited).code, 137);
  await control.gone;
});

test('a writer that leaves while the queue is full: what it sent is delivered', async () => {
  const container = { args: ['sh', '-c', 'read start; sleep 0.3; wc -c'] };
  const { control } = await room.monitor({ container, openStdin: true });
  const reader = await control.attach({ stdout: true, framing: 'raw' });
  const first = await control.attach({ stdin: true, framing: 'raw' });
  await control.start();
  await new Promise<void>((resolve) => first.write('start\n', () => resolve()));
  await new Promise<void>((resolve) => first.write(Buffer.alloc(megabyte + megabyte / 4), () => resolve()));
  first.destroy();
  const second = await control.attach({ stdin: true, framing: 'raw' });
  second.end('x');
  assert.equal(await readAll(reader), `${megabyte + megabyte / 4 + 1}\n`);
});

test('stdin-once: the first writer that leaves closes stdin; otherwise it waits for the next', async () => {
  const once = await room.monitor({ container: { args: ['cat'] }, openStdin: true, stdinOnce: true });
  const onlooker = await once.control.attach({ stdout: true, framing: 'raw' });
  const only = await once.control.attach({ stdin: true, framing: 'raw' });
  await once.control.start();
  await new Promise<void>((resolve) => only.write('once', () => resolve()));
  only.destroy();
  assert.equal(await readAll(onlooker), 'once');

  const kept = await room.monitor({ container: { args: ['cat'] }, openStdin: true });
  const reader = await kept.control.attach({ stdout: true, framing: 'raw' });
  await kept.control.start();
  for (const text of ['one ', 'two ']) {
    const writer = await kept.control.attach({ stdin: true, framing: 'raw' });
    await new Promise<void>((resolve) => writer.write(text, () => resolve()));
    writer.destroy();
    await sleep(20);
  }
  await kept.control.closeStdin();
  assert.equal(await readAll(reader), 'one two ');
});

test('without open stdin the container reads nothing, and input does not hurt', async () => {
  const { control } = await room.monitor({ container: { args: ['wc', '-c'] } });
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  stream.end('ignored');
  await control.start();
  assert.equal(await readAll(stream), '0\n');
});

test('a container that closes its stdin does not end the client', async () => {
  const container = { args: ['sh', '-c', 'exec 0<&-; sleep 0.3; echo still here'] };
  const { control } = await room.monitor({ container, openStdin: true });
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  await control.start();
  await sleep(100);
  stream.write(Buffer.alloc(3 * megabyte));
  assert.equal(await readAll(stream), 'still here\n');
});

test('a terminal: size before and after the start, echo, no end of input', async () => {
  // The first program may look before the monitor has got its terminal.
  const sized = 'while [ "$(stty size)" = "0 0" ]; do sleep 0.01; done';
  const script = `${sized}; stty size; read line; stty size; echo got $line; tty >/dev/null && exit 3`;
  const { control } = await room.monitor({
    container: { args: ['sh', '-c', script], terminal: true },
    openStdin: true,
  });
  await control.resize(40, 100);
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  let output = '';
  stream.on('data', (chunk) => {
    output += chunk;
  });
  const ended = once(stream, 'end');
  await control.start();
  await until(() => output.includes('40 100\r\n'));
  await control.resize(50, 132);
  stream.end('hello\n');
  await ended;
  assert.equal(output, '40 100\r\nhello\r\n50 132\r\ngot hello\r\n');
  assert.equal((await control.exited).code, 3);
});

test('a terminal is not lost when the end of the runtime is seen before what it sent', async () => {
  const { control, process: monitor } = await room.monitor({ container: { args: ['echo', 'hello'], terminal: true } });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  const started = control.start();
  const children = `/proc/${monitor.pid}/task/${monitor.pid}/children`;
  await until(() => readFileSync(children, 'utf8') !== '');
  monitor.kill('SIGSTOP');
  const runtime = readFileSync(children, 'utf8').split(' ')[0];
  await until(() => /^State:\tZ/m.test(readFileSync(`/proc/${runtime}/status`, 'utf8')));
  monitor.kill('SIGCONT');
  await started;
  assert.equal(await readAll(stream), 'hello\r\n');
});

test('a terminal can be resized while it is looked at', async () => {
  const script = 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.02; done';
  const { control } = await room.monitor({ container: { args: ['sh', '-c', script], terminal: true } });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  await once(stream, 'data');
  await control.resize(11, 22);
  assert.equal(await readAll(stream), '11 22\r\n');
});

test('a terminal that nobody has open for a while is not lost', async () => {
  const script = 'exec 0<&- 1>&- 2>&-; sleep 0.5; echo back >/dev/console; exit 2';
  const { control } = await room.monitor({ container: { args: ['sh', '-c', script], terminal: true } });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  assert.equal(await readAll(stream), 'back\r\n');
  assert.equal((await control.exited).code, 2);
});

test('resizing without a terminal is refused', async () => {
  const { control } = await room.monitor({ container: { args: ['sleep', '1000'] } });
  await control.start();
  await assert.rejects(control.resize(1, 1), (error) => isEngineError(error) && error.code === 'ENOTTY');
  await control.kill(9);
});

test('only the streams that were asked for', async () => {
  const { control } = await room.monitor({ container: { args: ['sh', '-c', 'echo out; echo err >&2'] } });
  const out = await control.attach({ stdout: true, framing: 'raw' });
  const err = await control.attach({ stderr: true, framing: 'raw' });
  const none = await control.attach({ framing: 'raw' });
  await control.start();
  assert.deepEqual(await Promise.all([readAll(out), readAll(err), readAll(none)]), ['out\n', 'err\n', '']);
});

test('a slow client gets all, delays the container, and costs neither the log nor others a line', async () => {
  const count = 60_000;
  const { control, log } = await room.monitor({ container: { args: numberedLines(count) } });
  const slow = await control.attach({ stdout: true, framing: 'raw' });
  const fast = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  const fastOutput = readAll(fast);
  await sleep(300);
  assert.equal((await control.state()).phase, 'running', 'six megabytes do not fit between container and client');
  assert.deepEqual(numbers(await readAll(slow)), upTo(count));
  assert.deepEqual(numbers(await fastOutput), upTo(count));
  await control.gone;
  assert.deepEqual(
    readLog(log).map((line) => Number(line.log)),
    upTo(count),
  );
});

test('a client that stops reading and then vanishes sets the container free', async () => {
  const count = 60_000;
  const { control, log } = await room.monitor({ container: { args: numberedLines(count) } });
  const stuck = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  await sleep(200);
  assert.equal((await control.state()).phase, 'running');
  stuck.destroy();
  assert.equal((await control.exited).code, 0);
  await control.gone;
  assert.deepEqual(
    readLog(log).map((line) => Number(line.log)),
    upTo(count),
  );
});

test('a client that reads on after the exit gets the rest; the clean-up does not wait for it', async () => {
  const { control } = await room.monitor({ container: { args: numberedLines(5000) } });
  const late = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  assert.equal((await control.exited).code, 0);
  assert.deepEqual(await control.gone, { cleaned: true });
  assert.deepEqual(numbers(await readAll(late)), upTo(5000));
});

test('attaching in the middle: only what comes from then on', async () => {
  const container = { args: ['sh', '-c', 'echo before; read line; echo after'] };
  const { control, log } = await room.monitor({ container, openStdin: true });
  await control.start();
  await until(() => readLog(log).length === 1);
  const stream = await control.attach({ stdin: true, stdout: true, framing: 'raw' });
  stream.write('go\n');
  assert.equal(await readAll(stream), 'after\n');
});

test('a client that leaves before the start leaves nothing behind', async () => {
  const { control } = await room.monitor({ container: { args: ['true'] } });
  (await control.attach({ stdin: true, stdout: true, framing: 'raw' })).destroy();
  await control.start();
  assert.deepEqual(await control.gone, { cleaned: true });
});
