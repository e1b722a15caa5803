import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { type Client, createClient } from './client.ts';
import { DaemonError } from './daemon-error.ts';
import { formatEndpoint, parseEndpoint, resolveEndpoint } from './endpoint.ts';

interface Peer {
  client: Client;
  /** Everything that the client sent, one text for each connection. */
  received: string[];
}

/** A server that says `answer` byte for byte after the head of each request. */
async function withPeer(
  answer: (socket: Socket, head: string) => void,
  body: (peer: Peer) => Promise<void>,
  options: { version?: string } = { version: '1.51' },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-client-'));
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const index = received.push('') - 1;
    let answered = false;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      received[index] += piece.toString('latin1');
      if (answered || !received[index]!.includes('\r\n\r\n')) return;
      answered = true;
      answer(socket, received[index]!);
    });
  });
  const path = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await body({ client: createClient({ kind: 'unix', path }, options), received });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  }
}

const say = (text: string) => (socket: Socket) => void socket.end(text);

test('bodies: by length, in chunks with trailers, up to the end, none', async () => {
  const replies: [text: string, body: string][] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello extra', 'hello'],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: z\r\n\r\n',
      'hello',
    ],
    ['HTTP/1.0 200 OK\r\n\r\nhello', 'hello'],
    ['HTTP/1.1 204 No Content\r\n\r\n', ''],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
  ];
  for (const [text, body] of replies) {
    await withPeer(say(text), async ({ client }) => assert.equal(await client.text('GET', '/x'), body));
  }
});

test('a reply may come one byte at a time', async () => {
  const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n';
  const slowly = async (socket: Socket) => {
    socket.setNoDelay(true);
    for (const byte of Buffer.from(text)) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await withPeer(
    (socket) => void slowly(socket),
    async ({ client }) => assert.equal(await client.text('GET', '/x'), 'hello'),
  );
});

test('a reply that breaks off or is no HTTP is an error', async () => {
  const broken = [
    '',
    'HTTP/1.1 200 OK\r\nContent-Le',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'SSH-2.0-OpenSSH\r\n\r\n',
  ];
  for (const text of broken) {
    await withPeer(say(text), ({ client }) => assert.rejects(client.text('GET', '/x'), Error, text));
  }
});

test('an error of the daemon carries its status, kind and message', async () => {
  const body = '{"message":"No such container: x"}';
  const reply = `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  await withPeer(say(reply), async ({ client }) => {
    const error = await client.text('GET', '/x').catch((reason: unknown) => reason);
    assert.ok(error instanceof DaemonError);
    assert.deepEqual([error.status, error.kind, error.message], [404, 'not-found', 'No such container: x']);
  });
});

test('the query and a JSON body are sent as the API wants them', async () => {
  await withPeer(say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'), async ({ client, received }) => {
    const query = { all: true, size: false, limit: undefined, filters: { label: ['a=b'] }, platforms: ['x', 'y'] };
    await client.json('POST', '/containers/create', { query, json: { Memory: 9223372036854771712n } });
    assert.match(
      received[0]!,
      /^POST \/v1\.51\/containers\/create\?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D&platforms=x&platforms=y HTTP/,
    );
    assert.match(received[0]!, /Content-Type: application\/json\r\n/);
    assert.ok(received[0]!.endsWith('{"Memory":9223372036854771712}'));
  });
});

test('an older daemon is asked again in its own version, also when several requests go out at once', async () => {
  const answer = (socket: Socket, head: string) => {
    const isNew = head.includes('/v1.51/');
    const body = isNew ? '{"message":"client version 1.51 is too new"}' : '"ok"';
    const status = isNew ? '400 Bad Request' : '200 OK';
    socket.end(`HTTP/1.1 ${status}\r\nApi-Version: 1.44\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };
  await withPeer(
    answer,
    async ({ client, received }) => {
      assert.deepEqual(await Promise.all([client.json('GET', '/a'), client.json('GET', '/b')]), ['ok', 'ok']);
      assert.equal(client.version(), '1.44');
      await client.json('GET', '/c');
      assert.equal(received.length, 5, 'later requests know the version');
    },
    {},
  );
});

test('a stream goes out in chunks; the end of ours does not end theirs', async () => {
  async function* body() {
    yield Buffer.from('abc');
    yield Buffer.alloc(0);
    yield Buffer.from('de');
  }
  const answer = (socket: Socket) =>
    socket.on('data', (piece) => {
      if (piece.toString().endsWith('0\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  const afterHead = (socket: Socket, head: string) => {
    if (head.endsWith('0\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    else answer(socket);
  };
  await withPeer(afterHead, async ({ client, received }) => {
    assert.equal(await client.text('POST', '/images/load', { body: body() }), 'ok');
    assert.ok(received[0]!.endsWith('3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'));
  });
});

test('a body that cannot be read is the error, not the connection that ends with it', async () => {
  async function* body(): AsyncGenerator<Buffer> {
    yield Buffer.from('abc');
    throw new Error('the disk is gone');
  }
  await withPeer(
    () => undefined,
    ({ client }) => assert.rejects(client.text('POST', '/images/load', { body: body() }), /the disk is gone/),
  );
});

test('hijack: bytes after the head belong to the stream, and our end leaves theirs open', async () => {
  const answer = (socket: Socket) => {
    socket.write(
      'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ',
    );
    socket.on('end', () => socket.end('after your end'));
  };
  await withPeer(answer, async ({ client, received }) => {
    const { input, output, mediaType } = await client.hijack('/containers/x/attach');
    assert.equal(mediaType, 'application/vnd.docker.raw-stream');
    input.end('typed');
    const pieces = await Array.fromAsync(output);
    assert.equal(Buffer.concat(pieces).toString(), 'first after your end');
    assert.ok(received[0]!.endsWith('typed'));
    assert.match(received[0]!, /Connection: Upgrade\r\nUpgrade: tcp\r\n/);
  });
});

test('an abort ends a request that nobody answers', async () => {
  await withPeer(
    () => undefined,
    async ({ client }) => {
      const stop = new AbortController();
      const request = client.text('GET', '/events', { signal: stop.signal });
      setImmediate(() => stop.abort());
      await assert.rejects(request, { name: 'AbortError' });
    },
  );
});

test('a daemon that is not there: the way to start one', async () => {
  const client = createClient({ kind: 'unix', path: '/nonexistent/wherry.sock' });
  const error = await client.text('GET', '/_ping').catch((reason: unknown) => reason);
  assert.ok(isEngineError(error, 'unavailable'));
  assert.match(
    error.message,
    /^Cannot connect to the wherry daemon at unix:\/\/\/nonexistent\/wherry\.sock: there is no such socket\./,
  );
  assert.match(error.hint ?? '', /^Start it with: sudo \/.*\/bin\/wherryd -H unix:\/\/\/nonexistent\/wherry\.sock$/);
});

test('addresses', () => {
  const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port, tls: undefined });
  assert.deepEqual(parseEndpoint('unix:///run/x.sock'), { kind: 'unix', path: '/run/x.sock' });
  assert.deepEqual(parseEndpoint('tcp://example.org:1234'), tcp('example.org', 1234));
  assert.deepEqual(parseEndpoint('tcp://10.0.0.1'), tcp('10.0.0.1', 2375));
  assert.deepEqual(parseEndpoint('tcp://[::1]:99/'), tcp('::1', 99));
  assert.deepEqual(parseEndpoint('localhost:99'), tcp('localhost', 99));
  for (const bad of ['ftp://x', 'unix://', 'tcp://a:b', 'tcp://x:99999', 'tcp://a/b'])
    assert.throws(() => parseEndpoint(bad), /unable to parse/);
});

test('addresses by ssh: whole in both directions, and what docker refuses', () => {
  const places: [string, object][] = [
    ['ssh://host', { host: 'host' }],
    ['ssh://me@host:2222', { host: 'host', user: 'me', port: 2222 }],
    ['ssh://a%40b@[::1]:22/run/x.sock', { host: '::1', user: 'a@b', port: 22, path: '/run/x.sock' }],
  ];
  for (const [address, place] of places) {
    assert.deepEqual(parseEndpoint(address), { kind: 'ssh', ...place });
    assert.equal(formatEndpoint(parseEndpoint(address)), address);
  }
  assert.deepEqual(parseEndpoint('ssh://host/'), { kind: 'ssh', host: 'host' });
  const refused: [string, RegExp][] = [
    ['ssh://', /no host specified/],
    ['ssh://me:secret@host', /plain-text password is not supported/],
    ['ssh://host?x=1', /extra query after the host: "x=1"/],
    ['ssh://host#f', /extra fragment after the host: "f"/],
    ["ssh://host/run/$(x)'", /characters that a shell changes/],
    ['ssh://host:port', /is no URL/],
  ];
  for (const [address, why] of refused) assert.throws(() => parseEndpoint(address), why, address);
});

test('the daemon: the flag before WHERRY_HOST before DOCKER_HOST, TLS from the environment', () => {
  const path = (options: object, env: Record<string, string>) => resolveEndpoint(options, env);
  assert.deepEqual(path({}, {}), { kind: 'unix', path: '/var/run/wherry.sock' });
  assert.deepEqual(path({}, { DOCKER_HOST: 'unix:///d' }), { kind: 'unix', path: '/d' });
  assert.deepEqual(path({}, { DOCKER_HOST: 'unix:///d', WHERRY_HOST: 'unix:///w' }), { kind: 'unix', path: '/w' });
  assert.deepEqual(path({ host: 'unix:///f' }, { WHERRY_HOST: 'unix:///w' }), { kind: 'unix', path: '/f' });
  const files = { ca: '/c/ca.pem', cert: '/c/cert.pem', key: '/c/key.pem', verify: true };
  const env = { DOCKER_HOST: 'tcp://h', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/c' };
  assert.deepEqual(path({}, env), { kind: 'tcp', host: 'h', port: 2376, tls: files });
});
