import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { inOwnNamespace } from '#test/support/netns.ts';
import { RegistryClient } from './client.ts';
import { repositoryScope } from './scopes.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server on the loopback whose replies the test makes; what it was asked for is in `seen`. */
async function serve(t: TestContext, handler: Handler): Promise<{ host: string; url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    handler(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}`, seen };
}

function client(t: TestContext, settings: ConstructorParameters<typeof RegistryClient>[0] = {}): RegistryClient {
  const made = new RegistryClient({ backOff: 1, ...settings });
  t.after(() => made.close());
  return made;
}

const isPing = (request: IncomingMessage) => request.url === '/v2/';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

if (inOwnNamespace(import.meta.filename)) {
  test('a request is sent as it is, a streamed body again for each try', async (t) => {
    let failures = 2;
    const { host, seen } = await serve(t, (request, response, body) => {
      if (isPing(request)) return void response.end();
      if (failures-- > 0) return void response.writeHead(503).end();
      response.writeHead(202, { Location: '/v2/next' }).end(`${body} ${request.headers['content-type']}`);
    });
    const session = client(t).session(host);
    const reply = await session.request({
      method: 'PATCH',
      url: '/v2/x',
      headers: { 'Content-Type': 'text/odd' },
      body: async function* () {
        yield Buffer.from('one ');
        yield Buffer.from('two');
      },
    });
    assert.equal(reply.status, 202);
    assert.equal((await reply.bytes(100)).toString(), 'one two text/odd');
    assert.equal(session.resolve(reply.headers.location!, reply).href, `http://${host}/v2/next`);
    assert.deepEqual(seen, ['GET /v2/ -', 'PATCH /v2/x -', 'PATCH /v2/x -', 'PATCH /v2/x -']);
  });

  test('one connection serves for all that is asked one after the other, also HEAD for what is large', async (t) => {
    const ports = new Set<number | undefined>();
    const { host, seen } = await serve(t, (request, response) => {
      ports.add(request.socket.remotePort);
      response.writeHead(200, { 'Content-Length': request.method === 'HEAD' ? 1 << 30 : 0 }).end();
    });
    const session = client(t).session(host);
    for (const method of ['HEAD', 'HEAD', 'HEAD', 'GET'] as const) {
      const reply = await session.request({ method, url: '/v2/blob' });
      const ended = once(reply.body, 'close');
      reply.discard();
      await ended;
    }
    assert.equal(seen.length, 5);
    assert.ok(ports.size <= 2, 'the first request does not wait for the end of the ping');
  });

  test('a broken connection is tried again, as often as configured, or once', async (t) => {
    const { host, seen } = await serve(t, (request, response) => {
      if (isPing(request)) response.end();
      else request.socket.destroy();
    });
    const session = client(t, { attempts: 3 }).session(host);
    const failure = (error: unknown) => isEngineError(error, 'unavailable') && error.message.startsWith('Get "http://');
    await assert.rejects(session.request({ method: 'GET', url: '/v2/a' }), failure);
    assert.equal(seen.filter((line) => line.includes('/v2/a')).length, 3);
    await assert.rejects(session.request({ method: 'GET', url: '/v2/b', retry: false }), failure);
    assert.equal(seen.filter((line) => line.includes('/v2/b')).length, 1);
  });

  test('nobody there is said at once, in the words of docker', async (t) => {
    const session = client(t).session('127.0.0.1:1');
    await assert.rejects(session.ping(), {
      kind: 'unavailable',
      message: 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });

  test('a rate limit is explained when waiting does not help', async (t) => {
    const { host, seen } = await serve(t, (request, response) => {
      if (isPing(request)) return void response.end();
      const headers = { 'Retry-After': '3600', 'RateLimit-Limit': '100;w=21600' };
      response.writeHead(429, headers).end('{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached it."}]}');
    });
    await assert.rejects(client(t).session(host).request({ method: 'GET', url: '/v2/a' }), (error) => {
      assert.ok(isEngineError(error, 'unavailable'));
      assert.equal(error.message, 'toomanyrequests: You have reached it.');
      assert.match(error.hint!, /try again in 3600 s\. It allows 100 pulls in 360 minutes/);
      return true;
    });
    assert.equal(seen.length, 2);
  });

  test('refusals have the code and the words of the registry', async (t) => {
    const { host } = await serve(t, (request, response) => {
      if (isPing(request)) return void response.end();
      if (request.method === 'HEAD') return void response.writeHead(404).end();
      if (request.url === '/v2/odd') return void response.writeHead(418).end('<html>no</html>');
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}');
    });
    const session = client(t).session(host);
    await assert.rejects(session.request({ method: 'GET', url: '/v2/a' }), {
      kind: 'not-found',
      code: 'MANIFEST_UNKNOWN',
      message: 'manifest unknown: manifest unknown',
    });
    await assert.rejects(session.request({ method: 'HEAD', url: '/v2/a' }), { kind: 'not-found', code: 'HTTP_404' });
    await assert.rejects(session.request({ method: 'GET', url: '/v2/odd' }), {
      kind: 'invalid',
      message: 'received unexpected HTTP status: 418',
    });
    const reply = await session.request({ method: 'HEAD', url: '/v2/a', accept: [404] });
    reply.discard();
  });

  test('basic authentication answers a challenge, from then on at once', async (t) => {
    const { host, seen } = await serve(t, (request, response) => {
      if (request.headers.authorization === basic('me:secret')) return void response.end('in');
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end();
    });
    const session = client(t).session(host, { username: 'me', password: 'secret' });
    assert.equal((await (await session.request({ method: 'GET', url: '/v2/a' })).bytes(9)).toString(), 'in');
    await session.ping();
    assert.deepEqual(seen.slice(1), [
      'GET /v2/a -',
      `GET /v2/a ${basic('me:secret')}`,
      `GET /v2/ ${basic('me:secret')}`,
    ]);
    await assert.rejects(client(t).session(host).ping(), {
      kind: 'unauthorized',
      message: `Get "http://${host}/v2/": no basic auth credentials`,
    });
    await assert.rejects(
      client(t)
        .session(host, { auth: Buffer.from('me:wrong').toString('base64') })
        .ping(),
      {
        kind: 'unauthorized',
        message: 'unauthorized: authentication required',
      },
    );
  });

  test('a token is fetched for the scopes of the session, kept, and fetched anew when it is refused', async (t) => {
    let valid = 'first';
    const registry = await serve(t, (request, response) => {
      if (request.headers.authorization === `Bearer ${valid}`) return void response.end();
      const header = `Bearer realm="${server.url}/token?x=1",service="reg",scope="repository:a:pull"`;
      response.writeHead(401, { 'WWW-Authenticate': header }).end();
    });
    const server = await serve(t, (_request, response) => {
      response.end(JSON.stringify({ access_token: valid, expires_in: 300 }));
    });
    const one = client(t);
    const scopes = [repositoryScope('a', 'push', 'pull')];
    const session = one.session(registry.host, { username: 'me', password: 'secret' }, scopes);
    await session.ping();
    await session.ping();
    const query = 'x=1&client_id=docker&service=reg&scope=repository%3Aa%3Apull%2Cpush&account=me';
    assert.deepEqual(server.seen, [`GET /token?${query} ${basic('me:secret')}`]);
    await one.session(registry.host, { username: 'me', password: 'secret' }, scopes).ping();
    assert.equal(server.seen.length, 1, 'sessions of one client share tokens');
    valid = 'second';
    await session.ping();
    assert.equal(server.seen.length, 2);
    await one.session(registry.host, undefined, scopes).ping();
    assert.match(server.seen[2]!, / -$/, 'nobody gets the token of somebody else');
    session.addScope(repositoryScope('b', 'pull'));
    await session.ping();
    assert.match(server.seen[3]!, /scope=repository%3Aa%3Apull%2Cpush&scope=repository%3Ab%3Apull/);
  });

  test('an identity token is exchanged by POST; a login gives one', async (t) => {
    const bodies: string[] = [];
    const registry = await serve(t, (request, response) => {
      if (request.headers.authorization === 'Bearer fine') return void response.end();
      const header = `Bearer realm="${server.url}/token",service="reg"`;
      response.writeHead(401, { 'WWW-Authenticate': header }).end();
    });
    const server = await serve(t, (_request, response, body) => {
      bodies.push(body);
      response.end(JSON.stringify({ token: 'fine', refresh_token: 'long' }));
    });
    await client(t)
      .session(registry.host, { identitytoken: 'long' }, [repositoryScope('a', 'pull')])
      .ping();
    assert.equal(
      bodies[0],
      'client_id=docker&service=reg&scope=repository%3Aa%3Apull&grant_type=refresh_token&refresh_token=long',
    );
    assert.match(server.seen[0]!, /^POST \/token -$/);
    const token = await client(t).session(registry.host, { username: 'me', password: 'secret' }).login();
    assert.equal(token, 'long');
    assert.match(server.seen.at(-1)!, /offline_token=true/);
    await client(t).session(registry.host, { registrytoken: 'fine' }).ping();
    await assert.rejects(client(t).session(registry.host, { registrytoken: 'bad' }).ping(), { kind: 'unauthorized' });
  });

  test('what a token server refuses is said without the secret', async (t) => {
    const registry = await serve(t, (_request, response) => {
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${server.url}/token"` }).end();
    });
    const server = await serve(t, (_request, response) => {
      response.writeHead(401).end('{"details":"incorrect username or password"}');
    });
    await assert.rejects(client(t).session(registry.host, { username: 'me', password: 'secret' }).login(), (error) => {
      assert.ok(isEngineError(error, 'unauthorized'));
      assert.equal(error.message, 'unauthorized: incorrect username or password');
      assert.doesNotMatch(JSON.stringify(error), /secret/);
      return true;
    });
  });

  test('redirects are followed; credentials do not follow to another host', async (t) => {
    const storage = await serve(t, (_request, response) => void response.end('blob'));
    const registry = await serve(t, (request, response) => {
      if (isPing(request)) return void response.end();
      if (request.headers.authorization !== basic('me:secret')) {
        return void response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end();
      }
      const location = request.url === '/v2/a' ? '/v2/b' : `${storage.url}/b?signature=1`;
      response.writeHead(307, { Location: location }).end();
    });
    const session = client(t).session(registry.host, { username: 'me', password: 'secret' });
    const reply = await session.request({ method: 'GET', url: '/v2/a', headers: { Range: 'bytes=1-' } });
    assert.equal((await reply.bytes(10)).toString(), 'blob');
    assert.equal(registry.seen.at(-1), `GET /v2/b ${basic('me:secret')}`);
    assert.deepEqual(storage.seen, ['GET /b?signature=1 -']);
  });

  test('a redirect without end is given up', async (t) => {
    const { host } = await serve(t, (request, response) => {
      if (isPing(request)) response.end();
      else response.writeHead(302, { Location: '/v2/a' }).end();
    });
    await assert.rejects(
      client(t).session(host).request({ method: 'GET', url: '/v2/a' }),
      /stopped after 10 redirects/,
    );
  });

  test('credentials go to the registry, not to its mirror', async (t) => {
    const demand: Handler = (request, response) => {
      if (isPing(request)) response.end();
      else response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end();
    };
    const mirror = await serve(t, demand);
    const registry = await serve(t, demand);
    const one = client(t, { mirrors: new Map([[registry.host, [mirror.url]]]) });
    const sessions = one.pullSessions({ domain: registry.host, path: 'a' }, { username: 'me', password: 'secret' });
    assert.deepEqual(
      sessions.map(({ endpoint }) => [endpoint.host, endpoint.mirror]),
      [
        [mirror.host, true],
        [registry.host, false],
      ],
    );
    for (const session of sessions) await assert.rejects(session.request({ method: 'GET', url: '/v2/a' }));
    assert.ok(!mirror.seen.some((line) => line.includes('Basic')));
    assert.ok(registry.seen.some((line) => line.includes('Basic')));
  });

  test('a proxy carries requests, by its configuration', async (t) => {
    const proxy = await serve(t, (request, response) => void response.end(`via ${request.url}`));
    const one = client(t, { insecureRegistries: ['registry.invalid'], proxies: { http: proxy.url } });
    const reply = await one.session('registry.invalid').request({ method: 'GET', url: '/v2/a' });
    assert.equal((await reply.bytes(100)).toString(), 'via http://registry.invalid/v2/a');
  });

  test('a request that is cancelled ends, also while it waits for its next try', async (t) => {
    const { host } = await serve(t, (request, response) => {
      if (isPing(request)) response.end();
      else response.writeHead(503, { 'Retry-After': '10' }).end(() => controller.abort());
    });
    const controller = new AbortController();
    const request = client(t).session(host).request({ method: 'GET', url: '/v2/a', signal: controller.signal });
    await assert.rejects(request, { kind: 'cancelled' });
  });
}
