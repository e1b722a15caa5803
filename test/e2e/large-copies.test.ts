/** What passes between client and tree program past the engine: large files out of containers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTar } from '#archive/tar-stream.ts';
import { rawOn } from '#test/support/api.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { processesNaming } from '#test/support/processes.ts';

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
});
