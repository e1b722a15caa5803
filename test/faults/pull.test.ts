/** Pulls through a network that fails: nothing wrong comes of it, and nothing that has come is lost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressMessage } from '#api/types/image.ts';
import { killEngine } from '#test/support/faults.ts';
import { putImage, type StoredImage } from '#test/support/registry-images.ts';
import type { Mischief, Passed } from '#test/support/registry-proxy.ts';
import { RegistryScene, short } from '#test/support/registry-scene.ts';
import { checkStore } from '#test/support/store-check.ts';
import { makeTar } from '#test/support/tar.ts';

const MIB = 1 << 20;

const scene = new RegistryScene();
let made = 0;

afterEach(async () => {
  scene.proxy.misbehave = () => undefined;
  const images = await scene.daemon.ok(['images', '-q']);
  if (images) await scene.daemon.ok(['rmi', '-f', ...new Set(images.split('\n'))]);
  await checkStore(scene.daemon);
});

interface Remote extends StoredImage {
  name: string;
  /** The large layer, on which the proxy plays its tricks. */
  large: { digest: string; size: number };
}

/** An image of busybox and incompressible layers of so many bytes. */
async function publish(...sizes: number[]): Promise<Remote> {
  const repository = `faults/${made++}`;
  const layers = sizes.map((size, at) => makeTar([{ name: `data-${at}`, body: randomBytes(size) }]));
  const config = { Cmd: ['sh', '-c', 'wc -c < /data-0'] };
  const image = await putImage(scene.registry, repository, { layers: [scene.busybox, ...layers], config }, 'latest');
  return { ...image, name: `${scene.proxy.host}/${repository}`, large: image.layers[1]! };
}

/** What becomes of the n-th request for the large layer. */
function onLayer(image: Remote, trick: (request: number, passed: Passed) => Mischief | undefined): void {
  let asked = 0;
  scene.proxy.misbehave = (passed) => (passed.path.includes(image.large.digest) ? trick(asked++, passed) : undefined);
}

async function assertWorks(image: Remote, size: number): Promise<void> {
  assert.equal(await scene.daemon.ok(['run', '--rm', image.name]), String(size));
  assert.deepEqual(await readdir(join(scene.daemon.dataRoot, 'content/ingest')), []);
}

/** What was under way when a connection broke may have to come again. */
function assertPaidOnce({ large: { digest, size } }: Remote): void {
  const sent = scene.proxy.bytesOf(digest);
  assert.ok(sent >= size && sent <= size + MIB, `${sent} bytes were sent of ${size}`);
}

async function pullFails(image: Remote): Promise<string> {
  const { code, stdout, stderr } = await scene.daemon.docker(['pull', image.name]);
  assert.equal(code, 1, stdout);
  return stderr;
}

interface Client {
  messages: ProgressMessage[];
  /** Resolves when a message fits. */
  until(fits: (message: ProgressMessage) => boolean): Promise<void>;
  ended: Promise<void>;
  leave(): void;
}

/** A client of its own that pulls and may go away. */
function begin(image: Remote): Client {
  const messages: ProgressMessage[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const path = `/images/create?fromImage=${encodeURIComponent(image.name)}&tag=latest`;
  const sent = request({ socketPath: scene.daemon.socket, method: 'POST', path, agent: false }, (reply) => {
    let rest = '';
    reply.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      messages.push(...lines.filter(Boolean).map((line) => JSON.parse(line)));
    });
    reply.on('error', () => {}).on('close', resolve);
  });
  sent.on('error', () => resolve()).end();
  return {
    messages,
    ended,
    leave: () => void sent.destroy(),
    async until(fits) {
      for (let tries = 0; !messages.some(fits); tries++) {
        if (tries > 1000) throw new Error(`no such message: ${JSON.stringify(messages)}`);
        await sleep(10);
      }
    },
  };
}

/** Bytes of a blob that have arrived. */
async function arrived(digest: string): Promise<number> {
  const path = join(scene.daemon.dataRoot, 'content/ingest', `download-${digest.replace('sha256:', '')}`, 'blob');
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** All of them see the large layer come, and so much of it is here. */
async function underWay(clients: Client[], image: Remote, bytes: number): Promise<void> {
  const id = short(image.large.digest);
  await Promise.all(
    clients.map((client) => client.until((message) => message.id === id && message.status === 'Downloading')),
  );
  while ((await arrived(image.large.digest)) < bytes) await sleep(10);
}

test('a connection that breaks is followed by one for the rest', async () => {
  const image = await publish(3 * MIB);
  onLayer(image, (request) => (request < 3 ? { cutAfter: 700_000 } : undefined));
  await scene.daemon.ok(['pull', '-q', image.name]);
  await assertWorks(image, 3 * MIB);
  assertPaidOnce(image);
  const asked = scene.proxy.requests.filter(({ path }) => path.includes(image.large.digest));
  assert.equal(asked.length, 4);
  for (const { headers } of asked.slice(1)) assert.match(headers.range!, /^bytes=[1-9]\d+-$/);
});

test('a server that is busy, slow or in trouble is asked again', async () => {
  const image = await publish(MIB);
  const tricks: Mischief[] = [
    { status: 429, headers: { 'Retry-After': '0' } },
    { status: 503 },
    { status: 500 },
    { loseReply: true },
    { delay: 300 },
  ];
  onLayer(image, (request) => tricks[request]);
  await scene.daemon.ok(['pull', '-q', image.name]);
  await assertWorks(image, MIB);
});

test('a server that does not give up failing is named, and what has come stays', async () => {
  const image = await publish(2 * MIB);
  onLayer(image, (request) => (request === 0 ? { cutAfter: MIB } : { status: 502 }));
  assert.match(await pullFails(image), /received unexpected HTTP status: 502/);
  scene.proxy.misbehave = () => undefined;
  await scene.daemon.ok(['pull', '-q', image.name]);
  await assertWorks(image, 2 * MIB);
  assertPaidOnce(image);
});

test('a server that knows no ranges begins anew, and so does one whose blob has changed', async () => {
  for (const second of [{ ignoreRange: true }, { etag: '"second"' }, { status: 416 }] as Mischief[]) {
    const image = await publish(2 * MIB);
    onLayer(image, (request) => [{ cutAfter: MIB, etag: '"first"' }, second][request]);
    await scene.daemon.ok(['pull', '-q', image.name]);
    await assertWorks(image, 2 * MIB);
  }
});

test('a part that is not the one asked for is not taken', async () => {
  const image = await publish(2 * MIB);
  onLayer(image, (request) =>
    request === 0
      ? { cutAfter: MIB }
      : request === 1
        ? { headers: { 'content-range': 'bytes 5-2000000/2000000' } }
        : undefined,
  );
  await scene.daemon.ok(['pull', '-q', image.name]);
  await assertWorks(image, 2 * MIB);
});

test('bytes that were changed on the way are fetched again; when that does not help, nothing comes of it', async () => {
  const image = await publish(2 * MIB);
  for (const corruptAt of [3, MIB, image.large.size - 4]) {
    onLayer(image, (request) => (request === 0 ? { corruptAt } : undefined));
    await scene.daemon.ok(['pull', '-q', image.name]);
    await assertWorks(image, 2 * MIB);
    await scene.daemon.ok(['rmi', image.name]);
  }
  onLayer(image, () => ({ corruptAt: MIB }));
  assert.match(
    await pullFails(image),
    new RegExp(`filesystem layer verification failed for digest ${image.large.digest}`),
  );
  await checkStore(scene.daemon);
});

test('an engine that is killed at 90 % goes on where it was, and pays for next to nothing twice', async () => {
  const sizes = [12 * MIB, 9 * MIB, 6 * MIB];
  const image = await publish(...sizes);
  const large = image.layers.slice(1);
  const sizeOf = (path: string) => large.find(({ digest }) => path.includes(digest))?.size;
  scene.proxy.misbehave = ({ path, earlier }) => {
    const size = sizeOf(path);
    return size && earlier === 0 ? { stallAfter: Math.floor(size * 0.9) } : undefined;
  };
  const client = begin(image);
  const sent = (digest: string) => scene.proxy.bytesOf(digest);
  for (const { digest, size } of large) while ((await arrived(digest)) < Math.floor(size * 0.9)) await sleep(10);
  await killEngine(scene.daemon);
  await client.ended;
  await scene.daemon.ok(['pull', '-q', image.name]);
  await assertWorks(image, sizes[0]!);
  for (const { digest, size } of large) assert.ok(sent(digest) <= size + 4 * MIB, `${sent(digest)} of ${size}`);
});

test('clients that want the same share one download, and one may leave', async () => {
  const image = await publish(8 * MIB);
  const { promise, resolve: release } = Promise.withResolvers<void>();
  onLayer(image, (request) => (request === 0 ? { stallAfter: 4 * MIB } : { until: promise }));
  const clients = [begin(image), begin(image), begin(image)];
  await underWay(clients, image, 4 * MIB);
  clients[0]!.leave();
  await clients[0]!.ended;
  onLayer(image, () => undefined);
  // The connection that stalled ends; whoever is left gets the rest.
  scene.proxy.drop(image.large.digest);
  release();
  await Promise.all(clients.map(({ ended }) => ended));
  for (const { messages } of clients.slice(1)) {
    assert.match(messages.at(-1)!.status!, /^Status: (Downloaded newer image|Image is up to date) for /);
  }
  assertPaidOnce(image);
  await assertWorks(image, 8 * MIB);
});

test('when the last client leaves the download stops, and the next one goes on with it', async () => {
  const image = await publish(8 * MIB);
  onLayer(image, (request) => (request === 0 ? { stallAfter: 4 * MIB } : undefined));
  const clients = [begin(image), begin(image)];
  await underWay(clients, image, 4 * MIB);
  for (const client of clients) client.leave();
  await scene.proxy.left(image.large.digest);
  await checkStore(scene.daemon);
  await scene.daemon.ok(['pull', '-q', image.name]);
  assertPaidOnce(image);
  await assertWorks(image, 8 * MIB);
});
