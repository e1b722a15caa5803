import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { monitorRoom, readLog, type TestMonitorOptions } from '#test/support/monitor.ts';

const room = monitorRoom();
after(() => room.close());

/** The log of a container that prints `bytes` to stdout. */
async function logOf(bytes: string | Buffer, options: TestMonitorOptions = {}) {
  writeFileSync(join(room.rootfs, 'bytes'), bytes);
  return await logOfCommand(['cat', '/bytes'], options);
}

async function logOfCommand(args: string[], options: TestMonitorOptions = {}) {
  const monitor = await room.monitor({ container: { args }, ...options });
  await monitor.control.start();
  await monitor.control.exited;
  await monitor.control.gone;
  return monitor;
}

test('lines are what dockerd 26 writes for the same bytes', async () => {
  const { log } = await logOf(Buffer.from('tab\there <a>&"q" \\ \b\f\x1b[0m\x7f\r\n\u2028\u2029é😀\n', 'utf8'));
  const [first, second] = readFileSync(log, 'utf8').split('\n');
  const time = /,"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"}$/;
  assert.match(first!, time);
  assert.equal(
    first!.replace(time, ''),
    String.raw`{"log":"tab\u0009here \u003ca\u003e\u0026\"q\" \\ \u0008\u000c\u001b[0m` +
      '\x7f' +
      String.raw`\r\n","stream":"stdout"`,
  );
  assert.equal(second!.replace(time, ''), String.raw`{"log":"\u2028\u2029é😀\n","stream":"stdout"`);
});

test('invalid UTF-8 becomes one replacement character per byte', async () => {
  const invalid = ['ff', 'c0af', 'eda080', 'f8888888', 'e28a', 'f4908080', 'c3'].map((hex) => Buffer.from(hex, 'hex'));
  for (const bytes of invalid) {
    const { log } = await logOf(Buffer.concat([Buffer.from('a'), bytes, Buffer.from('b\n')]));
    const text = readFileSync(log, 'latin1');
    assert.ok(text.startsWith(`{"log":"a${'\\ufffd'.repeat(bytes.length)}b\\n"`), `${bytes.toString('hex')}: ${text}`);
  }
});

test('long lines are split after 16 KiB; the parts share a time and only the last ends', async () => {
  const lines = ['a'.repeat(16384), 'b'.repeat(16383), 'c'.repeat(40000), 'tail'];
  const { log } = await logOf(lines.join('\n'));
  const entries = readLog(log);
  assert.deepEqual(
    entries.map((entry) => `${entry.log[0]} ${entry.log.length} ${entry.log.endsWith('\n')}`),
    ['a 16384 false', '\n 1 true', 'b 16384 true', 'c 16384 false', 'c 16384 false', 'c 7233 true', 't 4 false'],
  );
  assert.equal(entries.map((entry) => entry.log).join(''), lines.join('\n'));
  assert.equal(entries[0]!.time, entries[1]!.time);
  assert.equal(entries[3]!.time, entries[5]!.time);
  assert.notEqual(entries[2]!.time, entries[3]!.time);
});

test('any valid text comes back from JSON as it was written', async () => {
  const alphabet = [
    '\n',
    '\n',
    '"',
    '\\',
    '<',
    '&',
    '\0',
    '\x1f',
    '\r',
    '\t',
    'é',
    '\u2028',
    '😀',
    '\ud7ff',
    '\uffff',
    'plain text ',
  ];
  const text = Array.from(randomBytes(40_000), (byte) => alphabet[byte % alphabet.length]).join('');
  const { log } = await logOf(text);
  assert.equal(
    readLog(log)
      .map((entry) => entry.log)
      .join(''),
    text,
  );
});

test('random bytes give valid JSON lines', async () => {
  const { log } = await logOf(randomBytes(2 << 20));
  assert.ok(readLog(log).every((entry) => entry.stream === 'stdout'));
});

test('times never repeat and never go back', async () => {
  const { log } = await logOf('x\n'.repeat(20_000));
  const times = readLog(log).map(({ time }) => {
    const [seconds, fraction = ''] = time.slice(0, -1).split('.');
    return `${seconds}.${fraction.padEnd(9, '0')}`;
  });
  assert.equal(times.length, 20_000);
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! > times[i - 1]!);
});

test('stdout and stderr keep their own lines, also when they come in pieces', async () => {
  const script = 'printf a; printf 1 >&2; sleep 0.05; printf b; printf 2 >&2; sleep 0.05; echo; printf end >&2';
  const { log } = await logOfCommand(['sh', '-c', script]);
  const entries = readLog(log).map(({ log, stream }) => `${stream} ${JSON.stringify(log)}`);
  assert.deepEqual(entries.sort(), ['stderr "12end"', 'stdout "ab\\n"']);
});

test('a flood of 50 MB is in the log, line by line', async () => {
  const line = `${'y'.repeat(99)}\n`;
  const { log } = await logOf(line.repeat(500_000));
  const entry = /^{"log":"y{99}\\n","stream":"stdout","time":"[^"]{20,30}"}$/;
  const lines = readFileSync(log, 'latin1').split('\n').slice(0, -1);
  assert.equal(lines.length, 500_000);
  assert.ok(lines.every((text) => entry.test(text)));
});

test('rotation with compression: every file but the last is one of gzip', async () => {
  const path = join(room.root, 'packed');
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}\n`);
  await logOf(lines.join(''), { log: { path, maxSize: 1000, maxFiles: 4, compress: true } });
  const packed = [3, 2, 1].map((number) => `${path}.${number}.gz`);
  assert.deepEqual(
    packed.filter((file) => !existsSync(file)),
    [],
  );
  assert.equal(existsSync(`${path}.1`) || existsSync(`${path}.4.gz`), false);
  const texts = [...packed.map((file) => gunzipSync(readFileSync(file)).toString()), readFileSync(path, 'utf8')];
  const entries = texts.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).log),
  );
  assert.deepEqual(entries, lines.slice(-entries.length));
});

test('rotation: a file that reached the maximum is the last one with its line; the oldest goes', async () => {
  const path = join(room.root, 'rotated');
  const lines = Array.from({ length: 50 }, (_, index) => `line ${index}\n`);
  await logOf(lines.join(''), { log: { path, maxSize: 1000, maxFiles: 3, attributes: '{"foo":"bar"}' } });
  assert.equal(existsSync(`${path}.3`), false);
  const files = [`${path}.2`, `${path}.1`, path];
  for (const file of files.slice(0, 2)) {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.length >= 1000, `${file} has ${text.length} bytes`);
    assert.ok(text.lastIndexOf('\n', text.length - 2) + 1 < 1000, 'it had not reached it before its last line');
  }
  const entries = files.flatMap(readLog);
  assert.deepEqual(
    entries.map((entry) => entry.log),
    lines.slice(-entries.length),
  );
  assert.deepEqual(entries[0]!.attrs, { foo: 'bar' });
});

test('rotation with one file starts it anew', async () => {
  const path = join(room.root, 'single');
  await logOf('a line of text\n'.repeat(1000), { log: { path, maxSize: 10_000, maxFiles: 1 } });
  assert.ok(statSync(path).size < 10_200);
  assert.ok(readLog(path).length > 0);
  assert.equal(existsSync(`${path}.1`), false);
});

test('rotation under a flood loses and doubles nothing', async () => {
  const path = join(room.root, 'flooded');
  const lines = Array.from({ length: 100_000 }, (_, index) => `${index}\n`);
  await logOf(lines.join(''), { log: { path, maxSize: 1 << 20, maxFiles: 20 } });
  const files = Array.from({ length: 20 }, (_, index) => (index === 19 ? path : `${path}.${19 - index}`));
  const entries = files.filter((file) => existsSync(file)).flatMap(readLog);
  assert.deepEqual(
    entries.map((entry) => entry.log),
    lines,
  );
});

test('a later start appends, after the torn line of a monitor that was killed', async () => {
  const path = join(room.root, 'appended');
  await logOf('first\n', { log: { path } });
  appendFileSync(path, `{"log":"to${'r'.repeat(10_000)}`);
  await logOf('second\n', { log: { path } });
  assert.deepEqual(
    readLog(path).map((entry) => entry.log),
    ['first\n', 'second\n'],
  );
  writeFileSync(path, 'torn from the first byte on');
  await logOf('third\n', { log: { path } });
  assert.deepEqual(
    readLog(path).map((entry) => entry.log),
    ['third\n'],
  );
});

test('a log that cannot be opened is a failed start', async () => {
  const { control } = await room.monitor({ container: { args: ['true'] }, log: { path: '/missing/folder/log' } });
  await assert.rejects(control.start(), /^EngineError: cannot use \/missing\/folder\/log: No such file or directory$/);
});

test('a full disk: the container goes on, the log ends at a whole line, STATE says why', async () => {
  const folder = join(room.root, 'small');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'wherry-test', folder]);
  try {
    const path = join(folder, 'log');
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(256 << 10));
    writeFileSync(join(room.rootfs, 'bytes'), `${'z'.repeat(999)}\n`.repeat(2000));
    const script = 'cat /bytes; echo flooded; read line; echo after';
    const { control } = await room.monitor({
      container: { args: ['sh', '-c', script] },
      openStdin: true,
      log: { path },
    });
    const stream = await control.attach({ stdout: true, framing: 'raw' });
    await control.start();
    for await (const chunk of stream) if (String(chunk).endsWith('flooded\n')) break;
    const state = await control.state();
    assert.equal(state.logErrno, 28);
    assert.ok(state.logDropped > 0n);
    rmSync(ballast);
    await sleep(500);
    assert.equal((await control.state()).logErrno, 0);
    const writer = await control.attach({ stdin: true, framing: 'raw' });
    writer.write('go\n');
    await control.gone;
    const lines = readLog(path).map((entry) => entry.log);
    assert.equal(lines.pop(), 'after\n');
    assert.ok(lines.every((line) => line === `${'z'.repeat(999)}\n` || line === 'flooded\n'));
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});

test('non-blocking: lines reach the file in order', async () => {
  const path = join(room.root, 'patient');
  const lines = Array.from({ length: 50_000 }, (_, index) => `${index}\n`);
  await logOf(lines.join(''), { log: { path, nonBlockingBuffer: 64 << 20 } });
  assert.deepEqual(
    readLog(path).map((entry) => entry.log),
    lines,
  );
});

test('non-blocking: a disk that hangs costs lines, not the container its speed', async () => {
  const fifo = join(room.root, 'fifo');
  execFileSync('mkfifo', [fifo]);
  writeFileSync(join(room.rootfs, 'bytes'), `${'z'.repeat(99)}\n`.repeat(50_000));
  const { control } = await room.monitor({
    container: { args: ['sh', '-c', 'cat /bytes; echo done; sleep 1000'] },
    log: { path: fifo, nonBlockingBuffer: 100_000 },
  });
  const stream = await control.attach({ stdout: true, framing: 'raw' });
  await control.start();
  for await (const chunk of stream) if (String(chunk).endsWith('done\n')) break;
  const { logDropped } = await control.state();
  assert.ok(logDropped > 40_000n && logDropped < 50_000n, `${logDropped} lines dropped`);
  const reading = promisify(execFile)('cat', [fifo], { maxBuffer: 1 << 20 });
  await control.kill(9);
  await control.exited;
  const entries = (await reading).stdout.trimEnd().split('\n').length;
  assert.equal(entries + Number(logDropped), 50_001);
});
