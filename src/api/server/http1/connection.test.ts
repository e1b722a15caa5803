import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type RawClient, rawOn } from '#test/support/api.ts';
import { Connection, type Serve } from './connection.ts';
import { fieldLines } from './fields.ts';
import type { Request } from './request.ts';
import { createHttpServer } from './server.ts';

/** A server on a socket of its own; the result connects to it and sends `text`. */
async function serving(t: TestContext, serve: Serve): Promise<(text: string) => RawClient> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-http1-'));
  const path = join(folder, 's');
  const http = createHttpServer(serve);
  await new Promise<void>((resolve) => http.server.listen(path, resolve));
  t.after(async () => {
    await http.close();
    await rm(folder, { recursive: true });
  });
  return (text) => rawOn(connect({ path, allowHalfOpen: true }), text);
}

async function textOf(request: Request): Promise<string> {
  let text = '';
  for await (const chunk of request.body) text += chunk.toString('latin1');
  return text;
}

/** Replies with the method, target and body of the request. */
const echo: Serve = (request, response) =>
  void textOf(request).then((body) => response.whole(200, '', `<${request.method} ${request.target} ${body}>`));

const bodies = (text: string) => [...text.matchAll(/<[^>]*>/g)].map(([body]) => body);

test('replies come in the order of requests, however long each takes', async (t) => {
  const slow = Promise.withResolvers<void>();
  const open = await serving(t, async (request, response) => {
    if (request.target === '/1') await slow.promise;
    response.whole(200, '', `<${request.target}>`);
  });
  const client = open('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n');
  client.socket.write('GET /3 HTTP/1.1\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\n\r\n');
  slow.resolve();
  assert.deepEqual(bodies(await client.end()), ['</1>', '</2>', '</3>']);
});

test('all requests that came before the client’s end are answered', async (t) => {
  const open = await serving(t, echo);
  const client = open('GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n\r\n');
  client.socket.end();
  assert.deepEqual(bodies(await client.end()), ['<GET /1 >', '<POST /2 abc>', '<GET /3 >']);
});

test('a body that nobody reads is passed over, chunked or not, and the next request is served', async (t) => {
  const open = await serving(t, (request, response) => response.whole(200, '', `<${request.target}>`));
  const client = open('PUT /1 HTTP/1.1\r\nContent-Length: 200000\r\n\r\n');
  client.socket.write(`${'x'.repeat(200_000)}PUT /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n`);
  client.socket.write(`${'x'.repeat(0x20000)}\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nConnection: close\r\n\r\n`);
  assert.deepEqual(bodies(await client.end()), ['</1>', '</2>', '</3>']);
});

test('a reader that leaves the body early harms nobody', async (t) => {
  const open = await serving(t, async (request, response) => {
    for await (const _ of request.body) break;
    response.whole(200, '', `<${request.target}>`);
  });
  const client = open(`PUT /1 HTTP/1.1\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`);
  client.socket.end('GET /2 HTTP/1.1\r\n\r\n');
  assert.deepEqual(bodies(await client.end()), ['</1>', '</2>']);
});

test('a body that nobody reads yet makes the client wait', async (t) => {
  const reading = Promise.withResolvers<void>();
  let request: Request | undefined;
  const open = await serving(t, async (incoming, response) => {
    request = incoming;
    await reading.promise;
    response.whole(200, '', `<${(await textOf(incoming)).length}>`);
  });
  const size = 16 << 20;
  const client = open(`PUT / HTTP/1.1\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`);
  client.socket.write(Buffer.alloc(size));
  for (let left = -1; client.socket.bytesWritten === 0 || client.socket.writableLength !== left; ) {
    left = client.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(client.socket.writableLength > 0 && !request!.body.ended, 'all of it was taken');
  reading.resolve();
  assert.deepEqual(bodies(await client.end()), [`<${size}>`]);
});

test('a client that asks and asks and does not read is not served further', async (t) => {
  let served = 0;
  const page = 'x'.repeat(10_000);
  const open = await serving(t, (_request, response) => {
    served++;
    response.whole(200, '', page);
  });
  const client = open('');
  client.socket.pause();
  const count = 5000;
  client.socket.write('GET / HTTP/1.1\r\n\r\n'.repeat(count));
  for (let before = -1; served === 0 || served !== before; ) {
    before = served;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(served < count / 2, `${served} replies were made`);
  client.socket.resume();
  client.socket.end();
  assert.equal((await client.end()).split(page).length, count + 1);
  assert.equal(served, count);
});

test('a client that waits to be asked for its body is asked when somebody reads it', async (t) => {
  const open = await serving(t, echo);
  const head = 'PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n';
  const client = open(head);
  await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
  client.socket.write('abc');
  await client.until(/<PUT \/ abc>/);
  client.socket.end(`${head}def`);
  assert.match(await client.end(), /<PUT \/ def>$/);
});

test('a client that is refused before it was asked for its body is not served further', async (t) => {
  const open = await serving(t, (_request, response) => response.whole(404, '', '<no>'));
  const client = open('PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 30\r\n\r\n');
  client.socket.write('GET / HTTP/1.1\r\n\r\n');
  const reply = await client.end();
  assert.deepEqual(bodies(reply), ['<no>']);
  assert.match(reply, /^HTTP\/1.1 404 Not Found\r\n[\s\S]*Connection: close\r\n/);
});

test('HTTP/1.0: the end of a stream is the end of the connection, which goes on only when asked for', async (t) => {
  const open = await serving(t, (request, response) => {
    if (request.target === '/whole') return response.whole(200, '', '<whole>');
    response.open(200, '');
    response.write('<stre');
    response.end('am>');
  });
  const client = open('GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  await client.until(/Connection: keep-alive\r\n\r\n<whole>/);
  client.socket.write('GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  assert.match(await client.end(), /Connection: close\r\n\r\n<stream>$/);
  assert.match(await open('GET /whole HTTP/1.0\r\n\r\n').end(), /Connection: close\r\n\r\n<whole>$/);
});

test('a reply without body has none, and HEAD gets the head alone', async (t) => {
  const open = await serving(t, ({ target }, response) => {
    if (target === '/open') {
      response.open(200, '');
      response.write('body');
      response.end();
    } else response.whole(Number(target.slice(1)), '', target === '/200' ? 'body' : undefined);
  });
  const client = open(
    ['HEAD /200', 'HEAD /open', 'GET /204', 'GET /304', 'GET /201'].map((line) => `${line} HTTP/1.1\r\n\r\n`).join(''),
  );
  client.socket.end();
  const reply = (await client.end()).replaceAll(/Date: .*\r\n/g, '');
  assert.equal(
    reply,
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n' +
      'HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n',
  );
});

test('the same bytes go out with the head of each reply', async (t) => {
  const body = Buffer.from('<same>');
  let count = 0;
  const open = await serving(t, (_request, response) =>
    response.whole(count++ === 1 ? 201 : 200, `N: ${count}\r\n`, body),
  );
  const client = open('GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n');
  const reply = (await client.end()).replaceAll(/Date: .*\r\n/g, '');
  const length = 'Content-Length: 6\r\n';
  assert.equal(
    reply,
    `HTTP/1.1 200 OK\r\nN: 1\r\n${length}\r\n<same>HTTP/1.1 201 Created\r\nN: 2\r\n${length}\r\n<same>` +
      `HTTP/1.1 200 OK\r\nN: 3\r\n${length}\r\nHTTP/1.1 200 OK\r\nN: 4\r\n${length}Connection: close\r\n\r\n<same>`,
  );
});

test('who waits for the client to read is woken when it goes', async (t) => {
  const woken = Promise.withResolvers<boolean>();
  const open = await serving(t, async (request, response) => {
    response.open(200, '');
    while (!response.closed) if (!response.write(Buffer.alloc(1 << 16))) await response.drained();
    woken.resolve(request.gone);
  });
  const client = open('GET / HTTP/1.1\r\n\r\n');
  await client.until(/\r\n\r\n/);
  client.socket.destroy();
  assert.ok(await woken.promise);
});

test('a client that goes in the middle of its body ends the reading of it', async (t) => {
  const failed = Promise.withResolvers<unknown>();
  const open = await serving(t, (request) => void textOf(request).catch(failed.resolve));
  open('PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc').socket.end();
  assert.equal(((await failed.promise) as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('chunks that break the form end the reading and are answered, once', async (t) => {
  const open = await serving(
    t,
    (request, response) => void textOf(request).catch(() => response.whole(500, '', '<late>')),
  );
  const reply = await open('PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n').end();
  assert.match(reply, /^HTTP\/1.1 400 Bad Request\r\n[\s\S]*malformed HTTP: a chunk is longer than its size"}$/);
  assert.equal(reply.split('HTTP/1.1 ').length, 2);
});

test('a connection that is taken over gives each byte behind the request, and the client’s end', async (t) => {
  const open = await serving(t, async (request, response) => {
    if (request.target !== '/raw') return response.whole(200, '', `<${request.target}>`);
    request.hold();
    await new Promise((resolve) => setImmediate(resolve));
    const socket = await request.takeOver();
    socket.write('raw:');
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) socket.write(chunk);
    socket.end(':end');
  });
  const client = open(
    'GET /1 HTTP/1.1\r\n\r\nPOST /raw HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyGET /2 HTTP/1.1\r\n\r\n',
  );
  client.socket.end('more');
  assert.match(await client.end(), /<\/1>raw:GET \/2 HTTP\/1.1\r\n\r\nmore:end$/);
  const silent = open('POST /raw HTTP/1.1\r\n\r\n');
  silent.socket.end();
  assert.equal(await silent.end(), 'raw::end');
});

test('a line break in a field of the reply is refused', () => {
  assert.equal(fieldLines({ A: 'b', C: 1 }), 'A: b\r\nC: 1\r\n');
  assert.throws(() => fieldLines({ A: 'b\r\nC: d' }), /header field A/);
});

test('a head that does not come to its end is given up, an idle connection is not', async () => {
  const talk = (text: string) => {
    const [server, client] = duplexPair();
    const connection = new Connection(server as unknown as Socket, echo);
    client.setEncoding('latin1');
    client.write(text);
    return { connection, client };
  };
  const idle = talk('GET / HTTP/1.1\r\n\r\n');
  const [reply] = await new Promise<string[]>((resolve) => idle.client.once('data', (...args) => resolve(args)));
  assert.match(reply!, /<GET \/ >$/);
  idle.connection.expire(Number.POSITIVE_INFINITY);
  idle.client.write('GET /2 HTTP/1.1\r\n\r\n');
  const [second] = await new Promise<string[]>((resolve) => idle.client.once('data', (...args) => resolve(args)));
  assert.match(second!, /<GET \/2 >$/);
  const stuck = talk('GET / HTT');
  await new Promise((resolve) => setImmediate(resolve));
  stuck.connection.expire(0);
  stuck.connection.expire(Number.POSITIVE_INFINITY);
  const [refusal] = await new Promise<string[]>((resolve) => stuck.client.once('data', (...args) => resolve(args)));
  assert.match(refusal!, /^HTTP\/1.1 408 Request Timeout\r\n/);
});
