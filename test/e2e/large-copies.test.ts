/** What passes between client and tree program past the engine: large files, out of containers and into them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { readTar } from '#archive/tar-stream.ts';
import { run } from '#programs/run.ts';
import { type RawClient, rawOn } from '#test/support/api.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { processesNaming } from '#test/support/processes.ts';
import { makeTar } from '#test/support/tar.ts';

let daemon: TestDaemon;
/** One connection for all: whatever passes by the engine leaves it as it was. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const connections = new Set<unknown>();

before(async () => {
  daemon = await startDaemon();
  await daemon.ok(['run', '-d', '--stop-timeout', '0', '--name', 'box', 'busybox', 'sleep', '1000']);
});
after(async () => {
  agent.destroy();
  await daemon.close();
});

const shell = (script: string) => daemon.ok(['exec', 'box', 'sh', '-c', script]);

function call(method: string, path: string, body?: Iterable<Buffer>): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({ socketPath: daemon.socket, agent, method, path: `/v1.45${path}` }, resolve);
  sent.on('socket', (socket) => connections.add(socket)).on('error', reject);
  for (const piece of body ?? []) sent.write(piece);
  sent.end();
  return promise;
}

async function bytesOf(reply: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function filesOf(tar: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const source = (async function* () {
    yield tar;
  })();
  for await (const { entry, body } of readTar(source)) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    files.set(entry.name, Buffer.concat(chunks));
  }
  return files;
}

/** Bytes that are not the same anywhere. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0, value = size; at + 4 <= size; at += 4, value = (value * 1664525 + 1013904223) >>> 0)
    bytes.writeUInt32LE(value, at);
  return bytes;
}

/** What stands before the bytes of a chunk, and behind them. */
type Frame = (bytes: Buffer) => [string, string];
const plainly: Frame = (bytes) => [`${bytes.length.toString(16)}\r\n`, '\r\n'];
const inCapitals: Frame = (bytes) => [`${bytes.length.toString(16).toUpperCase()}\r\n`, '\r\n'];
const withZeros: Frame = (bytes) => [`${bytes.length.toString(16).padStart(13, '0')}\r\n`, '\r\n'];
const withExtension: Frame = (bytes) => [`${bytes.length.toString(16)};a=b\r\n`, '\r\n'];

/** The body as chunks of so many bytes, without the last one. */
function chunks(body: Buffer, size: number, frame: Frame = plainly): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const bytes = body.subarray(at, at + size);
    const [before, after] = frame(bytes);
    parts.push(Buffer.from(before), bytes, Buffer.from(after));
  }
  return Buffer.concat(parts);
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const PING = Buffer.from('GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n');
const putHead = (path: string, length = 'Transfer-Encoding: chunked') =>
  Buffer.from(`PUT /v1.45/containers/box/archive?path=${path} HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`);

/** A connection on which these bytes are sent. */
function raw(...bytes: Buffer[]): RawClient {
  const client = rawOn(connect(daemon.socket), '');
  client.socket.write(Buffer.concat(bytes));
  return client;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const sumOf = async (path: string) => (await shell(`sha256sum ${path}`)).split(' ')[0];

const MEGABYTE = 1 << 20;

async function noTreeProgram(): Promise<void> {
  for (let tries = 0; (await processesNaming('wherry-tree', daemon.folder)).length > 0; tries++) {
    assert.ok(tries < 500, 'the tree program goes on');
    await sleep(20);
  }
}

test('files of all sizes come out as they are, over a connection that goes on', async () => {
  const sizes = [0, 1, 65_536, 65_537, 262_143, 262_144, 300_001, 5_000_001];
  const script = sizes.map((size) => `head -c ${size} /dev/urandom > /out/${size}`).join('; ');
  const sums = (await shell(`mkdir /out; ${script}; cd /out; cat ${sizes.join(' ')} | sha256sum`)).split(' ')[0];
  for (let i = 0; i < 3; i++) {
    const reply = await call('GET', '/containers/box/archive?path=/out');
    assert.equal(reply.headers['transfer-encoding'], 'chunked');
    const files = await filesOf(await bytesOf(reply));
    assert.deepEqual(
      sizes.map((size) => files.get(`out/${size}`)?.length),
      sizes,
    );
    const hash = createHash('sha256');
    for (const size of sizes) hash.update(files.get(`out/${size}`)!);
    assert.equal(hash.digest('hex'), sums);
  }
  assert.equal((await bytesOf(await call('GET', '/_ping'))).toString(), 'OK');
  assert.equal(connections.size, 1);
});

test('to HTTP/1.0 they come without chunks, until the end of the connection', async () => {
  const client = rawOn(connect(daemon.socket), 'GET /containers/box/archive?path=/out/300001 HTTP/1.0\r\n\r\n');
  const text = await client.end();
  const files = await filesOf(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1'));
  assert.equal(files.get('300001')?.length, 300_001);
});

describe('a file goes in as it is', () => {
  const sizes = [1, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 0, 5 * MEGABYTE + 7, 3, 2 * MEGABYTE];
  const files = sizes.map((size, index) => ({ name: `f${index}`, body: content(size) }));
  const tar = makeTar(files);

  /** Two requests, and one more, all sent at once. */
  async function arrives(request: Buffer): Promise<void> {
    await shell('rm -rf /in; mkdir /in');
    const client = raw(request, request, PING);
    const replies = await client.until(/OK$/);
    assert.deepEqual(replies.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200'], replies);
    client.socket.destroy();
    const sums = (await shell('cd /in; sha256sum f*')).split('\n').map((line) => line.split(' ')[0]);
    assert.deepEqual(sums, files.map(({ body }) => sha256(body))); // biome-ignore format: one line
  }

  for (const size of [511, 32_768, 65_537, tar.length])
    test(`in chunks of ${size} bytes`, () => arrives(Buffer.concat([putHead('/in'), chunks(tar, size), LAST_CHUNK])));
  for (const frame of [inCapitals, withZeros, withExtension])
    test(`in chunks ${frame.name}`, () =>
      arrives(Buffer.concat([putHead('/in'), chunks(tar, 100_000, frame), LAST_CHUNK])));
  test('with a length', () => arrives(Buffer.concat([putHead('/in', `Content-Length: ${tar.length}`), tar])));
  test('behind trailers', () =>
    arrives(Buffer.concat([putHead('/in'), chunks(tar, 32_768), Buffer.from('0\r\nMore: x\r\n\r\n')])));
  test('compressed', () => {
    const bytes = gzipSync(tar, { level: 1 });
    return arrives(Buffer.concat([putHead('/in'), chunks(bytes, 32_768), LAST_CHUNK]));
  });

  test('with holes', async () => {
    await writeFile(join(daemon.folder, 'holes'), content(2 * MEGABYTE));
    await truncate(join(daemon.folder, 'holes'), 5 * MEGABYTE);
    await appendFile(join(daemon.folder, 'holes'), content(MEGABYTE));
    const sparse = await run('tar', ['-S', '-C', daemon.folder, '-c', 'holes']);
    assert.ok(sparse.length < 4 * MEGABYTE);
    const client = raw(putHead('/'), chunks(sparse, 32_768), LAST_CHUNK, PING);
    await client.until(/OK$/);
    client.socket.destroy();
    assert.equal(await sumOf('/holes'), sha256(await readFile(join(daemon.folder, 'holes'))));
  });

  test('cut anywhere', async () => {
    const body = content(3 * MEGABYTE);
    const request = Buffer.concat([putHead('/'), chunks(makeTar([{ name: 'cut', body }]), 4_099), LAST_CHUNK, PING]);
    await shell('rm -rf /in; mkdir /in');
    const client = raw();
    for (let at = 0, piece = 1; at < request.length; at += piece, piece = (piece * 7 + 1) % 9_973) {
      if (!client.socket.write(request.subarray(at, at + piece))) await once(client.socket, 'drain');
      if (piece % 3 === 0) await nextTurn();
    }
    await client.until(/OK$/);
    client.socket.destroy();
    assert.equal(await sumOf('/cut'), sha256(body));
  });
});

describe('what is wrong with a large file', () => {
  const body = content(6 * MEGABYTE);
  const tar = makeTar([{ name: 'wrong', body }]);

  test('a body that ends early is refused, and the next request is served', async () => {
    const client = raw(putHead('/'), chunks(tar.subarray(0, 4 * MEGABYTE), 32_768), LAST_CHUNK, PING);
    const replies = await client.until(/OK$/);
    assert.match(replies, /^HTTP\/1.1 400 .*the archive ends, \d+ bytes of its content are missing/s);
    client.socket.destroy();
  });

  test('a chunk that breaks the form is refused, and nothing after it is served', async () => {
    for (const bad of ['xyz\r\n', '\r\n', '00000000000001\r\n', '1\n']) {
      const client = raw(putHead('/'), chunks(tar.subarray(0, 4 * MEGABYTE), 32_768), Buffer.from(bad), PING);
      const replies = await client.end();
      assert.deepEqual(replies.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 400'], replies);
    }
  });

  test('a disk that is full is told, also to a client that goes on sending', async () => {
    await daemon.ok([...'run -d --stop-timeout 0 --name full --tmpfs /t:size=2m busybox sleep 1000'.split(' ')]);
    const head = putHead('/t').toString().replace('/box/', '/full/');
    const client = raw(Buffer.from(head), chunks(tar, 32_768), LAST_CHUNK, PING);
    const replies = await client.end();
    assert.match(replies, /^HTTP\/1.1 500 .*Connection: close.*writing wrong: No space left on device/s);
    assert.equal(replies.match(/HTTP/g)?.length, 1);
    await daemon.ok(['rm', '-f', 'full']);
  });

  test('a client that goes away ends the program', async () => {
    const client = raw(putHead('/'), chunks(tar.subarray(0, 4 * MEGABYTE), 32_768));
    while (!(await shell('stat -c %s /wrong || true')).startsWith('4')) await sleep(10);
    client.socket.destroy();
    await noTreeProgram();
  });
});

test('a client that goes away in the middle ends the program', async () => {
  await shell('truncate -s 4G /sparse');
  const reply = await call('GET', '/containers/box/archive?path=/sparse');
  await new Promise((resolve) => reply.once('data', resolve));
  reply.destroy();
  await noTreeProgram();
  connections.clear();
});

test('the engine’s end is the end of what it has started', async () => {
  const reply = await call('GET', '/containers/box/archive?path=/sparse');
  reply.on('error', () => {});
  await new Promise((resolve) => reply.once('data', resolve));
  process.kill(await daemon.enginePid(), 'SIGKILL');
  await noTreeProgram();
  reply.destroy();
  await daemon.ready();
  const client = raw(putHead('/'), chunks(makeTar([{ name: 'end', body: content(4 * MEGABYTE) }]).subarray(0, 3 * MEGABYTE), 32_768)); // biome-ignore format: one line
  while (!(await shell('stat -c %s /end || true')).startsWith('3')) await sleep(10);
  process.kill(await daemon.enginePid(), 'SIGKILL');
  await noTreeProgram();
  client.socket.destroy();
  await daemon.ready();
});
