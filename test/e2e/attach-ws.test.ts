/** `attach/ws` with the WebSocket client that Node has, and one that does not keep to the rules. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { rawOn } from '#test/support/api.ts';
import { ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';

let daemon: TestDaemon;
/** The client knows TCP only. */
let proxy: Server;
let host: string;
before(async () => {
  daemon = await startDaemon();
  proxy = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: daemon.socket, allowHalfOpen: true });
    client.pipe(engine).pipe(client);
    client.on('error', () => engine.destroy());
    engine.on('error', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
after(async () => {
  proxy.close();
  await daemon.close();
});

const ALL = 'stream=1&stdin=1&stdout=1&stderr=1';

interface Session {
  socket: WebSocket;
  /** What came so far, and the kinds of the messages. */
  text(): string;
  kinds(): Set<string>;
  until(pattern: RegExp): Promise<void>;
  closed: Promise<CloseEvent>;
}

async function open(container: string, query = ALL, version = '1.51'): Promise<Session> {
  const socket = new WebSocket(`ws://${host}/v${version}/containers/${container}/attach/ws?${query}`);
  socket.binaryType = 'arraybuffer';
  let text = '';
  const kinds = new Set<string>();
  socket.addEventListener('message', ({ data }) => {
    kinds.add(typeof data === 'string' ? 'text' : 'binary');
    text += typeof data === 'string' ? data : Buffer.from(data).toString();
  });
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('refused')));
  });
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text)) await sleep(10);
  };
  return { socket, text: () => text, kinds: () => kinds, until, closed };
}

const start = (name: string) => daemon.ok(['start', name]);
const create = (name: string, ...args: string[]) => daemon.ok(['create', '--name', name, ...args]);

test('both streams come as they are, stdin goes in, the end is a closing handshake', async () => {
  await create('both', '-i', 'busybox', 'sh', '-c', 'echo begun; read a; echo "<$a>" >&2; read b; echo "[$b]"');
  const session = await open('both');
  await start('both');
  await session.until(/begun/);
  session.socket.send('as text\n');
  await session.until(/<as text>/);
  session.socket.send(Buffer.from('as bytes\n'));
  const { code, wasClean } = await session.closed;
  assert.deepEqual([code, wasClean], [1000, true]);
  assert.equal(session.text(), 'begun\n<as text>\n[as bytes]\n');
  assert.deepEqual([...session.kinds()], ['binary']);
  await daemon.ok(['rm', 'both']);
});

test('logs come first; streams and messages by version', async () => {
  await daemon.ok([
    'run',
    '-d',
    '-i',
    '--name',
    'logs',
    'busybox',
    'sh',
    '-c',
    'echo out; echo err >&2; cat; printf é',
  ]);
  while (!(await daemon.ok(['logs', 'logs'])).includes('out'));
  const [all, old] = [await open('logs', `logs=1&${ALL}`), await open('logs', 'logs=1&stream=1', '1.27')];
  const some = await open('logs', 'logs=1&stream=1&stdin=1&stdout=1');
  for (const session of [all, old, some]) await session.until(/out\n/);
  some.socket.send('typed\n');
  for (const session of [all, old, some]) await session.until(/typed\n/);
  await daemon.ok(['exec', 'logs', 'kill', '-9', '1']).catch(() => {});
  await daemon.ok(['kill', 'logs']);
  for (const session of [all, old, some]) assert.equal((await session.closed).code, 1000);
  assert.match(all.text(), /err\n/);
  assert.match(old.text(), /err\n/);
  assert.doesNotMatch(some.text(), /err/);
  assert.deepEqual([...old.kinds()], ['text']);
  await daemon.ok(['rm', 'logs']);
});

test('much goes through both ways, whole', async () => {
  await create('much', '-i', 'busybox', 'cat');
  const session = await open('much');
  await start('much');
  const input = Buffer.alloc(3_000_000, 'wherry ');
  for (let at = 0; at < input.length; at += 700_000) session.socket.send(input.subarray(at, at + 700_000));
  while (session.text().length < input.length) await sleep(20);
  assert.ok(session.text() === input.toString());
  session.socket.close();
  assert.equal((await session.closed).wasClean, true);
  await daemon.ok(['rm', '-f', 'much']);
});

test('the detach keys detach; a client that closes or vanishes leaves the container alone and nothing behind', async () => {
  await daemon.ok(['run', '-dit', '--name', 'shell', 'busybox']);
  const detached = await open('shell');
  detached.socket.send('\x10\x11');
  assert.equal((await detached.closed).code, 1000);
  const closing = await open('shell', `${ALL}&detachKeys=a,b`);
  closing.socket.close(3000, 'enough');
  assert.deepEqual([(await closing.closed).code, (await closing.closed).wasClean], [3000, true]);
  const vanishing = connect(daemon.socket);
  vanishing.write(request(`/containers/shell/attach/ws?${ALL}`));
  await once(vanishing, 'data');
  vanishing.destroy();
  const again = await open('shell');
  again.socket.send('echo still $((1+1))\n');
  await again.until(/still 2\r\n/);
  again.socket.close();
  await daemon.ok(['rm', '-f', 'shell']);
});

const request = (path: string, ...headers: string[]) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: engine:2375',
    'Connection: keep-alive, Upgrade',
    'Upgrade: WebSocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(headers.some((header) => header.startsWith('Sec-WebSocket-Version')) ? [] : ['Sec-WebSocket-Version: 13']),
    ...headers,
    '\r\n',
  ].join('\r\n');

test('the handshake: accepted, refused for other origins, versions, containers and plain requests', async () => {
  await daemon.ok(['run', '-di', '--name', 'shake', 'busybox', 'cat']);
  const path = '/containers/shake/attach/ws?stream=1';
  const first = async (text: string) => {
    const client = rawOn(connect(daemon.socket), text);
    const head = await client.until(/\r\n\r\n/);
    client.socket.destroy();
    return head;
  };
  const accepted = await first(request(path, 'Origin: http://engine:2375', 'Sec-WebSocket-Protocol: one, two'));
  assert.match(accepted, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(accepted, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(accepted, /\r\nSec-WebSocket-Protocol: one\r\n/);
  for (const origin of ['http://evil.example', 'https://engine', 'null']) {
    assert.match(await first(request(path, `Origin: ${origin}`)), /^HTTP\/1\.1 403 /, origin);
  }
  assert.match(await first(request(path, 'Sec-WebSocket-Version: 8')), /^HTTP\/1\.1 400 /);
  assert.match(await first(request('/containers/none/attach/ws')), /^HTTP\/1\.1 404 /);
  const plain = await ask(daemon.socket, 'GET', path);
  assert.deepEqual([plain.status, /is a WebSocket/.test(plain.message)], [400, true]);
  const rude = rawOn(connect(daemon.socket), `${request(path)}\x81\x02hi`);
  assert.match(await rude.end(), /\x88\x02\x03\xea$/s, 'Close with 1002');
  await daemon.ok(['rm', '-f', 'shake']);
});
