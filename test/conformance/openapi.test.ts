/**
 * Every route, called as clients call it in its success and error cases, for several API versions: statuses and replies
 * must be those of the OpenAPI file. Each operation of the engine has a call here, or the last test names it.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import { absent } from '#api/server/handlers/absent.ts';
import { routes } from '#api/server/routes.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { type ApiCall, apiCaller, called, shapeOf } from './call.ts';
import { neverSent } from './coverage.ts';
import { moreCases } from './more-cases.ts';
import { OPERATIONS } from './openapi.ts';
import { registryCases } from './registry-cases.ts';

const VERSIONS = [24, 41, 45, 51];
/** Longer than the tests take. */
const SLEEP = { Image: 'busybox', Cmd: ['sleep', '1000'] };
/** Whose every parameter and field is sent by some test. */
const WATCHED = / \/(containers|exec|volumes|networks|commit|events|system\/df)/;
/** Those that are not, and why. */
const NEVER_SENT: [RegExp, why: string][] = [
  [/^POST \/volumes\/create ClusterVolumeSpec/, "a swarm's"],
  [
    /End\w+Config.*\.(DNSNames|EndpointID|Gateway|GlobalIPv6\w+|IPAddress|IPPrefixLen|IPv6Gateway|NetworkID)$/,
    'an endpoint has them in replies only',
  ],
];
/** A swarm, plugins and BuildKit's sessions are not this engine's business: versions/ and bad-input test their refusals. */
const NOT_OURS = /\/(swarm|nodes|services|tasks|secrets|configs|plugins|session)|PUT \/volumes/;

let daemon: TestDaemon;
let registry: TestRegistry;
before(async () => {
  daemon = await startDaemon();
  registry = await startRegistry({ netns: daemon.netns.path, users: { anna: 'secret' } });
});
after(async () => {
  await daemon?.close();
  await registry?.close();
});

for (const minor of VERSIONS) {
  suite(`API 1.${minor}`, () => {
    let call: ApiCall;
    before(() => {
      call = apiCaller(daemon.socket, minor);
    });
    const nobody = { path: { id: 'nobody' } };
    const refused = { query: { filters: '{"nonsense":["x"]}' } };

    /** A new container that runs, removed after `use`. */
    async function withContainer(body: object, use: (path: { id: string }) => Promise<void>) {
      const { Id: id } = (await call('POST /containers/create', 201, { body })) as { Id: string };
      await call('POST /containers/{id}/start', 204, { path: { id } });
      try {
        await use({ id });
      } finally {
        await call('DELETE /containers/{id}', 204, { path: { id }, query: { force: '1', v: 'true' } });
      }
    }

    test('a container from create to delete', async () => {
      const name = `life-${minor}`;
      const body = {
        ...SLEEP,
        Labels: { a: 'b' },
        ExposedPorts: { '80/tcp': {} },
        Volumes: { '/data': {} },
        HostConfig: { PortBindings: { '80/tcp': [{}] }, Tmpfs: { '/run': '' }, LogConfig: { Type: 'json-file' } },
        NetworkingConfig: { EndpointsConfig: { bridge: {} } },
      };
      await call('POST /containers/create', 404, { body: { Image: 'no-such-image' } });
      await call('POST /containers/create', 400, { body: { Image: 3 } });
      const created = (await call('POST /containers/create', 201, { query: { name }, body })) as { Id: string };
      await call('POST /containers/create', 409, { query: { name }, body });
      const path = { id: created.Id };
      await call('POST /containers/{id}/start', 204, { path });
      await call('POST /containers/{id}/start', 304, { path });
      await call('POST /containers/{id}/start', 404, nobody);
      const list = (await call('GET /containers/json', 200, { query: { all: '1', size: '1' } })) as unknown[];
      assert.equal(list.length, 1);
      await call('GET /containers/json', 400, refused);
      await call('GET /containers/{id}/json', 200, { path, query: { size: 'true' } });
      await call('GET /containers/{id}/json', 404, nobody);
      await call('POST /containers/{id}/restart', 204, { path, query: { t: '0' } });
      await call('POST /containers/{id}/restart', 404, nobody);
      await call('POST /containers/{id}/kill', 204, { path, query: { signal: 'KILL' } });
      await call('POST /containers/{id}/wait', 200, { path });
      await call('POST /containers/{id}/kill', 409, { path });
      await call('POST /containers/{id}/kill', 404, nobody);
      await call('POST /containers/{id}/stop', 304, { path });
      await call('POST /containers/{id}/stop', 404, nobody);
      await call('GET /containers/{id}/json', 200, { path });
      await call('DELETE /containers/{id}', 204, { path, query: { v: '1' } });
      await call('DELETE /containers/{id}', 404, { path });
    });

    test('stop, wait, logs, attach and resize of a running one', () =>
      withContainer(SLEEP, async (path) => {
        await call('DELETE /containers/{id}', 409, { path });
        await call('GET /containers/{id}/logs', 400, { path });
        await call('GET /containers/{id}/logs', 404, { ...nobody, query: { stdout: '1' } });
        await call('GET /containers/{id}/stats', 200, { path, query: { stream: '0', 'one-shot': '1' } });
        await call('GET /containers/{id}/stats', 404, nobody);
        await call('POST /containers/{id}/resize', 200, { path, query: { h: '10', w: '20' } });
        await call('POST /containers/{id}/resize', 404, { ...nobody, query: { h: '10', w: '20' } });
        await call('POST /containers/{id}/wait', 404, nobody);
        if (minor >= 30) await call('POST /containers/{id}/wait', 400, { path, query: { condition: 'sunshine' } });
        const ended = call('POST /containers/{id}/wait', 200, { path, query: { condition: 'next-exit' } });
        await call('POST /containers/{id}/stop', 204, { path, query: { t: '0' } });
        assert.deepEqual(await ended, { StatusCode: 137 });
        await call('GET /containers/{id}/logs', 200, { path, query: { stdout: '1', timestamps: '1' } });
        await call('POST /containers/{id}/attach', 200, { path, query: { logs: '1', stdout: '1' } });
        await call('POST /containers/{id}/attach', 404, nobody);
        const headers = {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        };
        await call('GET /containers/{id}/attach/ws', 101, { path, headers });
        await call('GET /containers/{id}/attach/ws', 404, { ...nobody, headers });
        await call('GET /containers/{id}/attach/ws', 400, { path });
      }));

    test('an exec from create to its end', () =>
      withContainer(SLEEP, async ({ id: container }) => {
        const make = async (body: object) =>
          ((await call('POST /containers/{id}/exec', 201, { path: { id: container }, body })) as { Id: string }).Id;
        const path = {
          id: await make({ Cmd: ['sh', '-c', 'exit 3'], AttachStdout: true, Env: ['A=1'], User: 'root' }),
        };
        await call('POST /containers/{id}/exec', 400, { path: { id: container }, body: {} });
        await call('POST /containers/{id}/exec', 404, { ...nobody, body: { Cmd: ['true'] } });
        await call('GET /containers/{id}/json', 200, { path: { id: container } });
        await call('GET /exec/{id}/json', 200, { path });
        await call('POST /exec/{id}/start', 200, { path, body: { Detach: false, ConsoleSize: [1, 2] } });
        await call('POST /exec/{id}/start', 409, { path, body: { Detach: true } });
        const ended = (await call('GET /exec/{id}/json', 200, { path })) as { ExitCode: number };
        assert.equal(ended.ExitCode, 3);
        const sleeps = { id: await make({ Cmd: ['sleep', '1000'], Tty: true }) };
        await call('POST /exec/{id}/start', 200, { path: sleeps, body: { Detach: true, Tty: true } });
        await call('POST /exec/{id}/resize', 200, { path: sleeps, query: { h: '10', w: '20' } });
        await call('POST /exec/{id}/resize', 400, { path: sleeps, query: { h: 'tall', w: '20' } });
        await call('GET /exec/{id}/json', 404, nobody);
        await call('POST /exec/{id}/start', 404, { ...nobody, body: {} });
        await call('POST /exec/{id}/resize', 404, { ...nobody, query: { h: '1', w: '1' } });
      }));

    test('images', async () => {
      const name = { name: 'busybox' };
      const tagged = { name: `copy-${minor}:a` };
      const none = { path: { name: 'no-such-image' } };
      await call('GET /images/json', 200, { query: { all: '1', digests: '1', 'shared-size': '1' } });
      await call('GET /images/json', 200, { query: { filters: '{"reference":["busy*"]}' } });
      await call('GET /images/{name}/json', 200, { path: name });
      await call('GET /images/{name}/json', 404, none);
      await call('GET /images/{name}/history', 200, { path: name });
      await call('GET /images/{name}/history', 404, none);
      await call('POST /images/{name}/tag', 201, { path: name, query: { repo: `copy-${minor}`, tag: 'a' } });
      await call('POST /images/{name}/tag', 400, { path: name, query: { repo: 'not/VALID', tag: 'a' } });
      await call('POST /images/{name}/tag', 404, { ...none, query: { repo: 'x' } });
      await call('DELETE /images/{name}', 200, { path: tagged });
      await call('DELETE /images/{name}', 404, { path: tagged });
      await call('GET /images/{name}/get', 200, { path: name });
      await call('GET /images/{name}/get', 404, none);
      await call('GET /images/get', 200, { query: { names: 'busybox' } });
      await call('GET /images/get', 404, { query: { names: 'no-such-image' } });
      await call('POST /images/prune', 200);
      await call('POST /images/prune', 400, refused);
      const body = await readFile(await busyboxArchive());
      const headers = { 'Content-Type': 'application/x-tar' };
      await call('POST /images/load', 200, { body, headers, query: { quiet: '1' } });
    });

    test('volumes', async () => {
      const name = { name: `volume-${minor}` };
      await call('POST /volumes/create', 201, { body: { Name: name.name, Labels: { a: 'b' } } });
      await call('GET /volumes', 200);
      await call('GET /volumes', 400, refused);
      await call('GET /volumes/{name}', 200, { path: name });
      await call('DELETE /volumes/{name}', 204, { path: name });
      await call('GET /volumes/{name}', 404, { path: name });
      await call('DELETE /volumes/{name}', 404, { path: name });
    });

    test('networks', async () => {
      await call('GET /networks', 200);
      await call('GET /networks/{id}', 200, { path: { id: 'bridge' } });
      await call('GET /networks/{id}', 404, nobody);
      const subnet = `10.99.${minor}.0/24`;
      const body = { Name: `network-${minor}`, Labels: { a: 'b' }, IPAM: { Config: [{ Subnet: subnet }] } };
      const { Id } = (await call('POST /networks/create', 201, { body })) as { Id: string };
      const path = { id: Id };
      await call('POST /networks/create', 409, { body });
      await call('POST /networks/create', 404, { body: { Name: 'other', Driver: 'no-such-driver' } });
      await withContainer(SLEEP, async ({ id }) => {
        await call('POST /networks/{id}/connect', 200, { path, body: { Container: id } });
        await call('POST /networks/{id}/connect', 404, { ...nobody, body: { Container: id } });
        await call('GET /networks/{id}', 200, { path });
        await call('GET /containers/{id}/json', 200, { path: { id } });
        await call('DELETE /networks/{id}', 403, { path });
        await call('POST /networks/{id}/disconnect', 200, { path, body: { Container: id } });
      });
      await call('DELETE /networks/{id}', 204, { path });
      await call('DELETE /networks/{id}', 404, { path });
      await call('DELETE /networks/{id}', 403, { path: { id: 'bridge' } });
      await call('POST /networks/prune', 200);
    });

    moreCases(minor, () => ({ minor, call, withContainer }));
    registryCases(minor, () => ({ call, registry }));

    test('the engine', async () => {
      await call('GET /_ping', 200);
      await call('HEAD /_ping', 200);
      await call('GET /version', 200);
      await call('GET /info', 200);
      await call('GET /system/df', 200);
      await call('POST /build/prune', 200);
      await call('GET /events', 200, { query: { since: '0', until: String(Math.floor(Date.now() / 1000)) } });
      await call('GET /events', 400, { query: { since: 'sunrise' } });
    });
  });
}

test('every operation of the file is a route, and every route that is there was called', () => {
  const handlers = new Map(routes.map(({ method, path, handler }) => [shapeOf(`${method} ${path}`), handler]));
  const ours = OPERATIONS.filter((operation) => !NOT_OURS.test(operation));
  assert.deepEqual(
    ours.filter((operation) => !handlers.has(shapeOf(operation))),
    [],
  );
  assert.deepEqual(
    ours.filter((operation) => handlers.get(shapeOf(operation)) !== absent && !called.has(operation)),
    [],
  );
});

test('every parameter and field of the routes of containers, execs, volumes and networks was sent', () => {
  const watched = OPERATIONS.filter((operation) => WATCHED.test(operation) && !NOT_OURS.test(operation));
  const never = watched.flatMap((operation) => neverSent(operation).map((name) => `${operation} ${name}`));
  const excused = (name: string) => NEVER_SENT.some(([pattern]) => pattern.test(name));
  assert.deepEqual(
    never.filter((name) => !excused(name)),
    [],
  );
  assert.ok(NEVER_SENT.every(([pattern]) => never.some((name) => pattern.test(name))));
});
