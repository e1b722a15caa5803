import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { EventMessage } from '#api/types/event.ts';
import { conflict, notFound, notModified } from '#errors/errors.ts';
import { startApi } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';

const event = (action: string): EventMessage => ({
  Type: 'container',
  Action: action,
  Actor: { ID: 'c1', Attributes: { image: 'busybox' } },
  scope: 'local',
  time: 1,
  timeNano: 1_700_000_000_000_000_001n,
});

test('ping says everything a client decides by', async (t) => {
  const api = await startApi(t, fakeBackend({}));
  for (const method of ['GET', 'HEAD']) {
    const reply = await api.ask(method, '/_ping');
    assert.equal(reply.status, 200);
    assert.equal(reply.text, method === 'GET' ? 'OK' : '');
    const { headers } = reply;
    assert.equal(headers['api-version'], '1.51');
    assert.equal(headers['builder-version'], '1');
    assert.equal(headers['docker-experimental'], 'false');
    assert.equal(headers.ostype, 'linux');
    assert.match(String(headers.server), /^wherry\/.+ \(linux\)$/);
    assert.equal(headers['cache-control'], 'no-cache, no-store, must-revalidate');
    assert.equal(headers.pragma, 'no-cache');
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['content-length'], method === 'GET' ? '2' : '0');
  }
});

test('a client that has not asked for anything yet is told of', async (t) => {
  const welcome = Promise.withResolvers<void>();
  const api = await startApi(t, fakeBackend({ system: { welcome: welcome.resolve } }));
  const client = connect(api.path);
  t.after(() => client.destroy());
  await welcome.promise;
});

test('an error is its status and a message with the hint behind it', async (t) => {
  const failures: Record<string, Error> = {
    gone: notFound('No such container: gone', { hint: 'see docker ps -a' }),
    busy: conflict('busy'),
    same: notModified('already'),
    bug: new TypeError('x is not a function'),
  };
  const api = await startApi(t, fakeBackend({ containers: { start: (id) => Promise.reject(failures[id]) } }));
  const start = (id: string, version = '') => api.ask('POST', `${version}/containers/${id}/start`);
  const gone = await start('gone');
  assert.equal(gone.status, 404);
  assert.equal(gone.headers['content-type'], 'application/json');
  assert.deepEqual(gone.json(), { message: 'No such container: gone (see docker ps -a)' });
  assert.equal((await start('busy')).status, 409);
  assert.deepEqual(await start('same').then(({ status, text }) => [status, text]), [304, '']);
  assert.deepEqual((await start('bug')).json(), { message: 'x is not a function' });
  const old = await start('gone', '/v1.23');
  assert.equal(old.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(old.text, 'No such container: gone (see docker ps -a)\n');
});

test('requests that cannot be right are 400 and say why', async (t) => {
  const api = await startApi(t, fakeBackend({}));
  const message = async (method: string, url: string, body?: unknown, headers?: Record<string, string>) => {
    const reply = await api.ask(method, url, body, headers);
    assert.equal(reply.status, 400, url);
    return (reply.json() as { message: string }).message;
  };
  assert.match(await message('GET', '/v1.99/info'), /^client version 1.99 is too new/);
  assert.match(await message('GET', '/images/%FF/json'), /not percent-encoded UTF-8/);
  assert.match(await message('GET', '/containers/json?filters=x'), /^invalid filter: 'x' is not JSON/);
  assert.match(await message('GET', '/containers/json?limit=x'), /'limit'/);
  assert.match(await message('POST', '/containers/x/stop?t=x'), /'t'/);
  assert.match(await message('POST', '/containers/x/wait?condition=x'), /^invalid condition: "x"$/);
  assert.match(await message('POST', '/containers/x/resize?h=1'), /^invalid resize width ""/);
  assert.match(await message('GET', '/containers/x/logs'), /^Bad parameters: you must choose at least one stream$/);
  assert.match(await message('POST', '/containers/x/start', { Memory: 1 }), /removed in v1.24$/);
  assert.match(await message('POST', '/containers/create', {}), /^config cannot be empty/);
  assert.match(await message('POST', '/containers/create', '{'), /^invalid JSON: /);
  assert.match(await message('POST', '/containers/create', ' '), /^invalid JSON: got EOF/);
  assert.match(
    await message('POST', '/containers/create', '{}', { 'content-type': 'text/plain' }),
    /^unsupported Content-Type header \(text\/plain\): must be 'application\/json'$/,
  );
  assert.match(await message('POST', '/containers/create', '{}', { 'content-type': 'x' }), /^malformed Content-Type/);
  assert.match(
    await message('POST', '/containers/create?platform=x', { Image: 'a' }),
    /^"x": unknown operating system/,
  );
  assert.match(
    await message('POST', '/containers/create', `{"Image":"${'x'.repeat(1 << 20)}"}`),
    /larger than 1048576/,
  );
});

test('create hands over the whole request, as the newest version has it', async (t) => {
  const seen: unknown[] = [];
  const create = (request: unknown) => {
    seen.push(request);
    return Promise.resolve({ Id: 'abc', Warnings: [] });
  };
  const api = await startApi(t, fakeBackend({ containers: { create } }));
  const body = { Image: 'busybox', HostConfig: { PidsLimit: -1, AutoRemove: true, ConsoleSize: [3, 4] }, Memory: 5 };
  const reply = await api.ask('POST', '/containers/create?name=/web&platform=linux/arm64/v8', body, {
    'content-type': 'application/json; charset=utf-8',
  });
  assert.equal(reply.status, 201);
  assert.deepEqual(reply.json(), { Id: 'abc', Warnings: [] });
  await api.ask('POST', '/v1.24/containers/create?name=web', body);
  const [now, then] = seen as { name: string; platform?: unknown; hostConfig: Record<string, unknown> }[];
  assert.equal(now?.name, 'web');
  assert.deepEqual(now?.platform, { os: 'linux', architecture: 'arm64', variant: 'v8' });
  assert.partialDeepStrictEqual(now?.hostConfig, { PidsLimit: null, AutoRemove: true, ConsoleSize: [3, 4], Memory: 5 });
  assert.partialDeepStrictEqual(then?.hostConfig, { AutoRemove: false, ConsoleSize: [0, 0], IpcMode: 'shareable' });
});

test('the first clients start a container with a host config', async (t) => {
  const started: unknown[] = [];
  const start = async (_id: string, options: { hostConfig?: { Privileged: boolean } }) => {
    started.push(options.hostConfig?.Privileged);
  };
  const api = await startApi(t, fakeBackend({ containers: { start } }));
  assert.equal((await api.ask('POST', '/v1.18/containers/x/start', { Privileged: true })).status, 204);
  for (const body of [undefined, '', '{}', 'null'])
    assert.equal((await api.ask('POST', '/containers/x/start', body)).status, 204);
  assert.deepEqual(started, [true, undefined, undefined, undefined, undefined]);
});

test('events come one per line as they happen, with every digit', async (t) => {
  const next = Promise.withResolvers<void>();
  async function* events() {
    yield event('create');
    await next.promise;
    yield event('start');
  }
  const api = await startApi(t, fakeBackend({ system: { events } }));
  const client = api.raw('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
  const first = await client.until(/"create".*\n/);
  assert.match(first, /"status":"create","id":"c1","from":"busybox"/);
  assert.match(first, /"timeNano":1700000000000000001/);
  assert.doesNotMatch(first, /"start"/);
  next.resolve();
  await client.until(/"start".*\n/);
  client.socket.destroy();
});

test('a stream that is refused at once has the status of the refusal, one that breaks later an errorDetail', async (t) => {
  async function* events({ since }: { since?: bigint }) {
    if (since === undefined) throw conflict('no');
    yield event('create');
    throw new Error('broken');
  }
  const api = await startApi(t, fakeBackend({ system: { events } }));
  assert.equal((await api.ask('GET', '/events')).status, 409);
  const reply = await api.ask('GET', '/events?since=1');
  assert.equal(reply.status, 200);
  const lines = reply.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  assert.deepEqual(lines[1], { errorDetail: { message: 'broken' }, error: 'broken' });
});

test('a client that goes away ends what only it wanted', async (t) => {
  const events = Promise.withResolvers<void>();
  const wait = Promise.withResolvers<void>();
  const api = await startApi(
    t,
    fakeBackend({
      system: {
        async *events(_query, signal) {
          yield event('create');
          await once(signal, 'abort');
          events.resolve();
        },
      },
      containers: {
        async wait(_id, _condition, signal) {
          signal.addEventListener('abort', () => wait.resolve());
          return { result: new Promise(() => {}) };
        },
      },
    }),
  );
  const listener = api.raw('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
  await listener.until(/create/);
  listener.socket.destroy();
  await events.promise;
  const waiter = api.raw('POST /containers/x/wait HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  await waiter.until(/\r\n\r\n/);
  waiter.socket.end();
  await wait.promise;
});

test('a client that closes its sending side after the request still gets the reply', async (t) => {
  const list = () => new Promise<never[]>((resolve) => setTimeout(() => resolve([]), 50));
  const api = await startApi(t, fakeBackend({ containers: { list } }));
  const client = api.raw('GET /containers/json HTTP/1.1\r\nHost: x\r\n\r\n');
  client.socket.end();
  assert.match(await client.end(), /^HTTP\/1.1 200 OK\r\n[\s\S]*\[\]$/);
});

test('wait sends its head before its answer, except to clients before 1.30', async (t) => {
  const exit = Promise.withResolvers<{ StatusCode: number }>();
  const conditions: string[] = [];
  const wait = async (id: string, condition: string) => {
    conditions.push(condition);
    return { result: id === 'gone' ? Promise.reject(notFound('gone')) : exit.promise };
  };
  const api = await startApi(t, fakeBackend({ containers: { wait } }));
  const head = 'HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
  const now = api.raw(`POST /containers/x/wait?condition=removed ${head}`);
  assert.match(await now.until(/\r\n\r\n/), /^HTTP\/1.1 200 OK\r\n/);
  exit.resolve({ StatusCode: 3 });
  assert.match(await now.end(), /\{"StatusCode":3\}/);
  const old = api.raw(`POST /v1.29/containers/gone/wait?condition=removed ${head}`);
  assert.match(await old.end(), /^HTTP\/1.1 404 /);
  assert.deepEqual(conditions, ['removed', 'not-running']);
});

test('a wait that fails after its head says so in its answer', async (t) => {
  const wait = async () => ({ result: Promise.reject(new Error('lost it')) });
  const api = await startApi(t, fakeBackend({ containers: { wait } }));
  const reply = await api.ask('POST', '/containers/x/wait');
  assert.deepEqual(reply.json(), { StatusCode: -1, Error: { Message: 'lost it' } });
});

test('a load that fails before its first line has a status, later an errorDetail', async (t) => {
  const api = await startApi(
    t,
    fakeBackend({
      images: {
        async load(body, _options, emit) {
          let size = 0;
          for await (const chunk of body) size += (chunk as Buffer).length;
          if (size === 0) throw conflict('empty');
          emit({ stream: `Loaded image: ${size}\n` });
          if (size > 3) throw new Error('too much');
        },
      },
    }),
  );
  const load = (body: string) => api.ask('POST', '/images/load?quiet=1', body, { 'content-type': 'application/x-tar' });
  assert.equal((await load('')).status, 409);
  assert.equal((await load('abc')).text, '{"stream":"Loaded image: 3\\n"}\n');
  assert.match((await load('abcd')).text, /\n\{"errorDetail":\{"message":"too much"\},"error":"too much"\}\n$/);
});

test('logs are frames or raw by terminal and version, and end with a word when they break', async (t) => {
  async function* stream(broken: boolean) {
    yield Buffer.from('line');
    if (broken) throw new Error('disk on fire');
  }
  const logs = async (id: string) => ({ tty: id === 'tty', stream: stream(id === 'broken') });
  const api = await startApi(t, fakeBackend({ containers: { logs } }));
  const get = (path: string) => api.ask('GET', `${path}/logs?stdout=1`);
  const type = async (path: string) => (await get(path)).headers['content-type'];
  assert.equal(await type('/containers/x'), 'application/vnd.docker.multiplexed-stream');
  assert.equal(await type('/v1.41/containers/x'), 'application/vnd.docker.raw-stream');
  assert.equal(await type('/containers/tty'), 'application/vnd.docker.raw-stream');
  assert.match((await get('/containers/broken')).text, /^line\x03\0\0\0\0\0\0.Error grabbing logs: disk on fire\n$/);
});

test('a reader that stops reading stops the source, and memory stays bounded', async (t) => {
  let produced = 0;
  async function* stream() {
    for (; produced < 4000; produced++) yield Buffer.alloc(1 << 16);
  }
  const api = await startApi(t, fakeBackend({ containers: { logs: async () => ({ tty: true, stream: stream() }) } }));
  const client = api.raw('GET /containers/x/logs?stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.until(/\r\n\r\n/);
  client.socket.pause();
  let before = -1;
  while (produced !== before) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(produced < 100, `${produced} chunks were taken from the source`);
  client.socket.destroy();
});

test('a socket with less access refuses what needs more, and says so', async (t) => {
  const containers = { list: async () => [], stop: async () => {} };
  const reader = await startApi(t, fakeBackend({ containers }), { access: 'read' });
  assert.equal((await reader.ask('GET', '/containers/json')).status, 200);
  const refused = await reader.ask('POST', '/containers/x/stop');
  assert.equal(refused.status, 403);
  assert.deepEqual(refused.json(), {
    message:
      "POST /containers/{name}/stop needs 'operate' access, this socket grants 'read' (use a socket with more access)",
  });
  const hijack = reader.raw(
    'POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );
  assert.match(await hijack.end(), /^HTTP\/1.1 403 /);
  const operator = await startApi(t, fakeBackend({ containers }), { access: 'operate' });
  assert.equal((await operator.ask('POST', '/containers/x/stop')).status, 204);
  assert.equal((await operator.ask('POST', '/containers/create', { Image: 'a' })).status, 403);
});
