/** A thousand streams at once: bounded memory, nobody waits for a slow reader of another container, nothing is left. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rmdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { monitorOf, processesNaming } from '#test/support/processes.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const MB = 1 << 20;

interface Stream {
  socket: Socket;
  received: number;
}

/** Sends a request whose reply is a stream; resolves when its head is there. */
async function open(method: string, path: string, body?: object): Promise<Stream> {
  const text = body ? JSON.stringify(body) : '';
  const type = body ? `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n` : '';
  const upgrade = method === 'POST' ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : '';
  const stream: Stream = { socket: connect({ path: daemon.socket, allowHalfOpen: true }), received: 0 };
  stream.socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n${type}${upgrade}\r\n${text}`);
  await new Promise<void>((resolve, reject) => {
    stream.socket.once('error', reject);
    stream.socket.on('data', (chunk) => {
      stream.received += chunk.length;
      resolve();
    });
  });
  return stream;
}

const attach = (name: string) => open('POST', `/containers/${name}/attach?stream=1&stdout=1&stderr=1`);
const follow = (name: string) => open('GET', `/containers/${name}/logs?follow=1&stdout=1&tail=1`);

async function exec(name: string, ...command: string[]): Promise<Stream> {
  const made = await ask(daemon.socket, 'POST', `/containers/${name}/exec`, { Cmd: command, AttachStdout: true });
  return open('POST', `/exec/${JSON.parse(made.text).Id}/start`, {});
}

/** Makes many, some at a time. */
async function many(count: number, make: () => Promise<Stream>): Promise<Stream[]> {
  const made: Stream[] = [];
  while (made.length < count) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(20, count - made.length) }, make))));
  }
  return made;
}

/** Bytes of a process's memory that are its own. */
async function memory(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(text)![1]) * 1024;
}

const descriptors = async (pid: number) => (await readdir(`/proc/${pid}/fd`)).length;

test('a thousand streams get all that is printed, and vanish without a trace', async () => {
  const id = await daemon.ok(['run', '-d', '-i', '--name', 'talks', 'busybox', 'cat']);
  const [engine, monitor] = [await daemon.enginePid(), await monitorOf(id)];
  const speak = await open('POST', '/containers/talks/attach?stream=1&stdin=1');
  speak.socket.write('first\n');
  while ((await daemon.ok(['logs', 'talks'])) !== 'first');
  const [memoryBefore, before] = [await memory(engine), [await descriptors(engine), await descriptors(monitor)]];

  const streams = [
    ...(await many(550, () => attach('talks'))),
    ...(await many(400, () => follow('talks'))),
    ...(await many(50, () => exec('talks', 'sh', '-c', 'echo ready; exec sleep 1000'))),
  ];
  assert.equal(streams.length, 1000);
  const attached = streams.slice(0, 950);
  const heads = attached.map(({ received }) => received);
  const line = `${'x'.repeat(999)}\n`;
  for (let count = 0; count < 20; count++) speak.socket.write(line);
  const whole = ({ received }: Stream, index: number) => received >= heads[index]! + 20 * line.length;
  while (!attached.every(whole)) await sleep(50);
  const grown = (await memory(engine)) - memoryBefore;
  assert.ok(grown < 200 * MB, `the engine has grown by ${Math.round(grown / MB)} MB`);

  for (const { socket } of streams) socket.destroy();
  while ((await descriptors(engine)) > before[0]! + 50 || (await descriptors(monitor)) > before[1]!) await sleep(100);
  await daemon.ok(['rm', '-f', 'talks']);
  while ((await processesNaming('wherry-monitor', daemon.folder)).length > 0) await sleep(50);
  while ((await descriptors(engine)) > before[0]!) await sleep(50);
});

test('readers that do not read hold up their container only, within bounds', async () => {
  const id = await daemon.ok(['run', '-d', '--name', 'floods', 'busybox', 'sh', '-c', 'sleep 2; exec yes']);
  const [engine, monitor] = [await daemon.enginePid(), await monitorOf(id)];
  const before = [await memory(engine), await memory(monitor)];
  const slow = await many(300, () => attach('floods'));
  for (const { socket } of slow) socket.pause();
  const log = `${daemon.dataRoot}/containers/${id}/${id}-json.log`;
  const size = async () => (await readFile(log)).length;
  for (let last = -1, now = await size(); now === 0 || now !== last; now = await size()) {
    last = now;
    await sleep(300);
  }
  const grown = [(await memory(engine)) - before[0]!, (await memory(monitor)) - before[1]!];
  const other = await daemon.ok(['run', '--rm', 'busybox', 'sh', '-c', 'yes | head -c 3000000 | md5sum']);
  assert.match(other, /^\w{32}/);
  assert.ok(grown[0]! < 150 * MB, `the engine has grown by ${Math.round(grown[0]! / MB)} MB`);
  assert.ok(grown[1]! < 16 * MB, `the monitor has grown by ${Math.round(grown[1]! / MB)} MB`);
  for (const { socket } of slow) socket.destroy();
  const held = await size();
  while ((await size()) === held) await sleep(50);
  await daemon.ok(['rm', '-f', 'floods']);
});

test('who is attached to a container that cannot be started is told so by the end of the stream', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-'));
  const mount = `type=bind,source=${folder},target=/there`;
  await daemon.ok(['create', '--name', 'homeless', '--mount', mount, 'busybox', 'true']);
  const { socket } = await attach('homeless');
  const end = once(socket, 'end', { signal: AbortSignal.timeout(60_000) });
  await rmdir(folder);
  const reply = await ask(daemon.socket, 'POST', '/containers/homeless/start');
  assert.match(reply.text, /bind source path does not exist/);
  await end;
  socket.destroy();
  await daemon.ok(['rm', 'homeless']);
});
