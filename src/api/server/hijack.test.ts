import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { notFound } from '#errors/errors.ts';
import { startApi } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
const post = (url: string, headers = '', body = '') => `POST ${url} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;

/** Says hello, gives stdin back in brackets, and at its end says what all of it was. */
async function echo(client: Duplex): Promise<void> {
  let all = '';
  client.write('hello;');
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    all += String(chunk);
    client.write(`[${chunk}]`);
  }
  client.write(`all=${all}`);
}

const attach = async (id: string) => {
  if (id === 'missing') throw notFound('No such container: missing');
  return { tty: id === 'tty', connect: echo };
};
const backend = () => fakeBackend({ containers: { attach, list: async () => [] } });

test('with an upgrade: 101, then bytes both ways; the end of the input ends only the input', async (t) => {
  const api = await startApi(t, backend());
  const client = api.raw(post('/containers/x/attach?stdin=1&stream=1', UPGRADE));
  const head = await client.until(/hello;/);
  assert.match(head, /^HTTP\/1.1 101 UPGRADED\r\n/);
  assert.match(head, /\r\nContent-Type: application\/vnd.docker.multiplexed-stream\r\n/);
  assert.match(head, /\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/);
  assert.match(head, /\r\nApi-Version: 1.51\r\n/);
  client.socket.write('one');
  await client.until(/\[one\]/);
  client.socket.end('two');
  assert.match(await client.end(), /\[two\]all=onetwo$/);
});

test('without an upgrade: 200 and raw bytes after the head', async (t) => {
  const api = await startApi(t, backend());
  const client = api.raw(post('/containers/x/attach?stdin=1&stream=1', 'Content-Length: 0\r\n'));
  const head = await client.until(/hello;/);
  assert.match(head, /^HTTP\/1.1 200 OK\r\n/);
  assert.match(head, /\r\nContent-Type: application\/vnd.docker.raw-stream\r\n/);
  assert.doesNotMatch(head, /Transfer-Encoding|Content-Length/);
  client.socket.write('GET / HTTP/1.1\r\n\r\n');
  await client.until(/\[GET \/ HTTP\/1.1\r\n\r\n\]/);
  client.socket.end();
  assert.match(await client.end(), /all=GET/);
});

test('a body before the bytes is no input, with and without an upgrade', async (t) => {
  const api = await startApi(t, backend());
  for (const upgrade of [UPGRADE, '']) {
    const headers = `${upgrade}Content-Type: application/json\r\nContent-Length: 15\r\n`;
    const client = api.raw(post('/containers/x/attach', headers, '{"stdin":'));
    client.socket.write('true }');
    await client.until(/hello;/);
    client.socket.end('typed');
    assert.match(await client.end(), /all=typed$/);
  }
});

test('bytes sent right behind the head of an upgrade are input', async (t) => {
  const api = await startApi(t, backend());
  const client = api.raw(`${post('/containers/x/attach', UPGRADE)}early`);
  await client.until(/\[early\]/);
  client.socket.end();
  assert.match(await client.end(), /all=early$/);
});

test('the media type goes by terminal and version', async (t) => {
  const api = await startApi(t, backend());
  for (const url of ['/containers/tty/attach', '/v1.41/containers/x/attach']) {
    const client = api.raw(post(url, UPGRADE));
    assert.match(await client.until(/hello;/), /Content-Type: application\/vnd.docker.raw-stream\r\n/, url);
    client.socket.end();
    await client.end();
  }
});

test('a refusal is plain HTTP either way', async (t) => {
  const api = await startApi(t, backend());
  for (const headers of [UPGRADE, 'Content-Length: 0\r\n']) {
    const reply = await api.raw(post('/containers/missing/attach', headers)).end();
    assert.match(reply, /^HTTP\/1.1 404 Not Found\r\n/);
    assert.match(reply, /\r\nConnection: close\r\n/);
    assert.match(reply, /\{"message":"No such container: missing"\}\n$/);
  }
});

test('an offer to upgrade to something else is ignored, and the connection goes on', async (t) => {
  const api = await startApi(t, backend());
  for (const protocol of ['TLS/1.2', 'h2c', 'tcp']) {
    const get = `GET /containers/json HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
    const client = api.raw(get);
    await client.until(/^HTTP\/1.1 200 OK\r\n[\s\S]*\[\]$/);
    client.socket.end(get);
    assert.equal((await client.end()).split('HTTP/1.1 200 OK').length, 3, protocol);
  }
});

test('a client that vanishes in the middle of a session ends it and harms nobody', async (t) => {
  const gone = Promise.withResolvers<void>();
  const connect = async (client: Duplex) => {
    const talk = setInterval(() => client.write('hello;'), 5);
    await new Promise((resolve) => client.once('close', resolve));
    clearInterval(talk);
    gone.resolve();
  };
  const api = await startApi(
    t,
    fakeBackend({ containers: { attach: async () => ({ tty: true, connect }), list: async () => [] } }),
  );
  const client = api.raw(post('/containers/x/attach', UPGRADE));
  await client.until(/hello;/);
  client.socket.destroy();
  await gone.promise;
  assert.equal((await api.ask('GET', '/containers/json')).status, 200);
});

test('an engine that fails in the middle of a session closes it and goes on', async (t) => {
  const connect = async (client: Duplex) => {
    client.write('hello;');
    throw new Error('the monitor died');
  };
  const api = await startApi(
    t,
    fakeBackend({ containers: { attach: async () => ({ tty: true, connect }), list: async () => [] } }),
  );
  const client = api.raw(post('/containers/x/attach', UPGRADE));
  assert.match(await client.end(), /hello;$/);
  assert.equal((await api.ask('GET', '/containers/json')).status, 200);
});

test('a slow reader slows the session, which still ends whole', async (t) => {
  const size = 20 << 20;
  const connect = async (client: Duplex) => {
    for (let sent = 0; sent < size; sent += 1 << 16) {
      if (!client.write(Buffer.alloc(1 << 16, 'x'))) await new Promise((resolve) => client.once('drain', resolve));
    }
  };
  const api = await startApi(t, fakeBackend({ containers: { attach: async () => ({ tty: true, connect }) } }));
  const client = api.raw(post('/containers/x/attach', UPGRADE));
  await client.until(/UPGRADED/);
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.socket.resume();
  const received = await client.end();
  assert.equal(received.length - received.indexOf('\r\n\r\n') - 4, size);
});
