import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startApi } from '#test/support/api.ts';
import { fakeBackend } from '#test/support/fake-backend.ts';
import { absent } from './handlers/absent.ts';
import { createRouter } from './router.ts';
import { routes } from './routes.ts';

const route = createRouter(routes);
const documented = readFileSync(join(import.meta.dirname, 'fixtures/engine-v1.51-paths.txt'), 'utf8')
  .trim()
  .split('\n');

/** The routes of the first Docker's server that later ones dropped. */
const old = ['GET /images/viz', 'GET /containers/ps', 'POST /containers/{id}/copy', 'GET /debug/pprof/heap'];

test('every documented route and every old one is in the table under its own line', () => {
  for (const line of [...documented, ...old]) {
    const [method = '', path = ''] = line.split(' ');
    const found = route(method, path.replace(/\{\w+\}/, 'some/name'));
    assert.ok(found, line);
    assert.equal(found.route.path.replace(/\{\w+\}/, '*'), path.replace(/\{\w+\}|(?<=pprof\/)heap/, '*'), line);
    if (found.route.path.includes('{')) assert.equal(found.name, path.includes('{') ? 'some/name' : 'heap', line);
  }
});

test('a route without handler answers 501 and names itself', async (t) => {
  const api = await startApi(t, fakeBackend({}));
  for (const { method, path } of routes.filter((entry) => entry.handler === absent && entry.method !== 'HEAD')) {
    const reply = await api.ask(method, path.replace(/\{\w+\}/, 'x'));
    assert.equal(reply.status, 501, path);
    assert.match((reply.json() as { message: string }).message, new RegExp(`^${method} ${RegExp.escape(path)} `));
  }
});

test('what is not ours says so in the words clients know', async (t) => {
  const api = await startApi(t, fakeBackend({}));
  const message = async (method: string, path: string, status: number) => {
    const reply = await api.ask(method, path);
    assert.equal(reply.status, status, path);
    return (reply.json() as { message: string }).message;
  };
  assert.match(await message('GET', '/services', 503), /^This node is not a swarm manager\. Use "docker swarm init"/);
  assert.match(await message('POST', '/session', 501), /DOCKER_BUILDKIT=0/);
  assert.match(await message('POST', '/grpc', 501), /DOCKER_BUILDKIT=0/);
  assert.equal(await message('GET', '/plugins/a/b/json', 404), 'plugin "a/b" not found');
  assert.deepEqual((await api.ask('GET', '/plugins')).json(), []);
  assert.equal(await message('GET', '/nowhere', 404), 'page not found');
  assert.equal(await message('DELETE', '/info', 404), 'page not found');
  const early = await api.ask('GET', '/v1.20/networks');
  assert.equal(early.status, 404);
  assert.equal(early.text, 'page not found (GET /networks came with API version 1.21)\n');
});
