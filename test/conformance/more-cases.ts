/** Calls of what containers, their files and the objects beside them have, with every parameter and field. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTar } from '#test/support/tar.ts';
import type { ApiCall } from './call.ts';
import { CONFIG, createBody, EXEC, endpoint, networkBody, UPDATE } from './full-bodies.ts';

interface Context {
  minor: number;
  call: ApiCall;
  /** A new container that runs, removed after `use`. */
  withContainer(body: object, use: (path: { id: string }) => Promise<void>): Promise<void>;
}

const SLEEP = { Image: 'busybox', Cmd: ['sleep', '1000'] };
const nobody = { path: { id: 'nobody' } };
const refused = { query: { filters: '{"nonsense":["x"]}' } };

export function moreCases(minor: number, context: () => Context): void {
  const call: ApiCall = (...args) => context().call(...args);
  const withContainer: Context['withContainer'] = (...args) => context().withContainer(...args);
  const idOf = async (made: Promise<unknown>) => ((await made) as { Id: string }).Id;

  test('a container with everything: created, echoed by inspect, updated', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'wherry-full-'));
    t.after(() => rm(folder, { recursive: true }));
    const subnet = `10.98.${minor}`;
    const names = { partner: `partner-${minor}`, network: minor >= 21 ? `full-${minor}` : 'bridge' };
    const networkId = await idOf(call('POST /networks/create', 201, { body: networkBody(names.network, subnet) }));
    const partner = await idOf(call('POST /containers/create', 201, { query: { name: names.partner }, body: SLEEP }));
    const body = createBody({ minor, folder, ...names, address: `${subnet}.77` });
    const query = { name: `full-${minor}`, platform: 'linux/amd64' };
    const id = await idOf(call('POST /containers/create', 201, { query, body }));
    const inspected = (await call('GET /containers/{id}/json', 200, {
      path: { id },
      query: { size: '1' },
    })) as Inspected;
    if (minor === 51) assertEchoed(body, inspected);
    await call('POST /containers/{id}/update', 200, { path: { id }, body: UPDATE });
    await call('POST /containers/{id}/update', 400, { path: { id }, body: { Memory: 1 } });
    await call('POST /containers/{id}/update', 404, { ...nobody, body: UPDATE });
    await call('POST /containers/{id}/rename', 204, { path: { id }, query: { name: `renamed-${minor}` } });
    await call('POST /containers/{id}/rename', 409, { path: { id }, query: { name: names.partner } });
    await call('POST /containers/{id}/rename', 404, { ...nobody, query: { name: 'x1' } });
    const limited = (await call('GET /containers/json', 200, { query: { all: '1', limit: '1' } })) as unknown[];
    assert.equal(limited.length, 1);
    await call('DELETE /containers/{id}', 204, { path: { id }, query: { v: '1' } });
    await call('POST /networks/{id}/connect', 200, {
      path: { id: networkId },
      body: { Container: partner, EndpointConfig: endpoint(`${subnet}.78`) },
    });
    await call('POST /networks/{id}/disconnect', 200, {
      path: { id: networkId },
      body: { Container: partner, Force: true },
    });
    await call('GET /networks', 200, { query: { filters: JSON.stringify({ name: [names.network] }) } });
    await call('GET /networks/{id}', 200, { path: { id: networkId }, query: { verbose: '1', scope: 'local' } });
    await call('DELETE /containers/{id}', 204, { path: { id: partner }, query: { link: '0' } });
    await call('POST /networks/prune', 200, { query: { filters: '{"label":["a=b"]}' } });
    await call('POST /networks/prune', 400, refused);
    await call('DELETE /volumes/{name}', 204, { path: { name: `full-${minor}` }, query: { force: '1' } });
    await call('POST /volumes/prune', 200, { query: { filters: '{"label":["no=such"]}' } });
    await call('POST /volumes/prune', 400, refused);
    const volume = {
      Name: `given-${minor}`,
      Driver: 'local',
      DriverOpts: { type: 'tmpfs', device: 'tmpfs' },
      Labels: { a: 'b' },
    };
    await call('POST /volumes/create', 201, { body: volume });
    await call('GET /volumes', 200, { query: { filters: '{"driver":["local"]}' } });
    await call('DELETE /volumes/{name}', 204, { path: { name: volume.Name } });
  });

  test('processes, pauses, changes and what leaves a container', () =>
    withContainer(SLEEP, async (path) => {
      const { id } = path;
      const top = (await call('GET /containers/{id}/top', 200, { path, query: { ps_args: 'aux' } })) as {
        Titles: string[];
      };
      assert.equal(top.Titles[0], 'USER');
      await call('GET /containers/{id}/top', 404, nobody);
      await call('POST /containers/{id}/pause', 204, { path });
      await call('POST /containers/{id}/pause', 409, { path });
      await call('POST /containers/{id}/pause', 404, nobody);
      await call('POST /containers/{id}/unpause', 204, { path });
      // dockerd's status: 409 would be the better one.
      await call('POST /containers/{id}/unpause', 500, { path });
      await call('POST /containers/{id}/unpause', 404, nobody);
      await call('GET /containers/{id}/stats', 200, { path, query: { stream: '0', 'one-shot': '1' } });
      await call('GET /containers/{id}/stats', 404, nobody);
      const exec = await idOf(call('POST /containers/{id}/exec', 201, { path, body: EXEC }));
      await call('POST /exec/{id}/start', 200, {
        path: { id: exec },
        body: { Detach: false, Tty: false, ConsoleSize: [1, 2] },
      });
      await call('GET /containers/{id}/changes', 200, { path });
      await call('GET /containers/{id}/changes', 404, nobody);
      await call('GET /containers/{id}/export', 200, { path });
      await call('GET /containers/{id}/export', 404, nobody);
      const body = makeTar([{ name: 'put', body: 'put there\n' }]);
      const headers = { 'Content-Type': 'application/x-tar' };
      const query = { path: '/tmp', noOverwriteDirNonDir: '1', copyUIDGID: '1' };
      await call('PUT /containers/{id}/archive', 200, { path, query, body, headers });
      await call('PUT /containers/{id}/archive', 404, { path, query: { path: '/nowhere' }, body, headers });
      await call('PUT /containers/{id}/archive', 400, { path, body, headers });
      await call('GET /containers/{id}/archive', 200, { path, query: { path: '/tmp/put' } });
      await call('GET /containers/{id}/archive', 404, { path, query: { path: '/tmp/none' } });
      await call('GET /containers/{id}/archive', 400, { path });
      await call('HEAD /containers/{id}/archive', 200, { path, query: { path: '/tmp/put' } });
      await call('HEAD /containers/{id}/archive', 404, { path, query: { path: '/tmp/none' } });
      await commit(id);
    }));

  async function commit(container: string): Promise<void> {
    const query = {
      container,
      repo: `made-${minor}`,
      tag: 'one',
      comment: 'c',
      author: 'a',
      pause: '0',
      changes: 'ENV B=2',
    };
    await call('POST /commit', 201, { query, body: CONFIG });
    await call('POST /commit', 404, { query: { container: 'nobody' }, body: {} });
    const { Config, Author, Comment } = (await call('GET /images/{name}/json', 200, {
      path: { name: `made-${minor}:one` },
    })) as Committed;
    assert.deepEqual([Author, Comment, Config.User, Config.Entrypoint], ['a', 'c', CONFIG.User, CONFIG.Entrypoint]);
    assert.ok(Config.Env.includes('A=1') && Config.Env.includes('B=2'));
    await call('DELETE /images/{name}', 200, { path: { name: `made-${minor}:one` } });
  }

  test('streams: logs, attach, attach/ws, events with all that they can be asked', () =>
    withContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'echo out; echo err >&2'] }, async (path) => {
      await call('POST /containers/{id}/wait', 200, { path, query: { condition: 'not-running' } });
      const now = String(Math.ceil(Date.now() / 1000) + 1);
      const query = { follow: '1', stdout: '1', stderr: '1', since: '1', until: now, timestamps: '1', tail: '10' };
      const logs = String(await call('GET /containers/{id}/logs', 200, { path, query }));
      assert.match(logs, /Z out\n[\s\S]*Z err\n/);
      const streams = { logs: '1', stream: '0', stdin: '0', stdout: '1', stderr: '1', detachKeys: 'ctrl-a' };
      await call('POST /containers/{id}/attach', 200, { path, query: streams });
      await call('POST /containers/{id}/attach', 400, { path, query: { ...streams, detachKeys: 'nonsense' } });
      const headers = {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      await call('GET /containers/{id}/attach/ws', 101, { path, query: streams, headers });
      await call('POST /containers/{id}/start', 204, { path, query: { detachKeys: 'ctrl-b' } });
      await call('POST /containers/{id}/restart', 204, { path, query: { t: '0', signal: 'KILL' } });
      await call('POST /containers/{id}/wait', 200, { path });
      await call('POST /containers/{id}/stop', 304, { path, query: { t: '0', signal: 'KILL' } });
      const filters = JSON.stringify({ container: [path.id], type: ['container'] });
      const until = String(Math.ceil(Date.now() / 1000));
      const events = (await call('GET /events', 200, { query: { since: '0', until, filters } })) as unknown[];
      assert.ok(events.length >= 4);
      await call('GET /system/df', 200, { query: { type: 'container' } });
    }));

  test('an image from a tar, and containers pruned', async () => {
    const headers = { 'Content-Type': 'application/x-tar' };
    const query = {
      fromSrc: '-',
      repo: `imported-${minor}`,
      tag: 'one',
      message: 'm',
      changes: 'CMD ["x"]',
      platform: 'linux/amd64',
    };
    await call('POST /images/create', 200, { query, body: makeTar([{ name: 'f', body: '' }]), headers });
    const id = await idOf(
      call('POST /containers/create', 201, { body: { Image: `${query.repo}:one`, Labels: { prune: 'me' } } }),
    );
    const pruned = (await call('POST /containers/prune', 200, { query: { filters: '{"label":["prune=me"]}' } })) as
      | { ContainersDeleted: string[] }
      | undefined;
    if (pruned) assert.deepEqual(pruned.ContainersDeleted, [id]);
    else await call('DELETE /containers/{id}', 204, { path: { id } });
    await call('POST /containers/prune', 400, refused);
    await call('DELETE /images/{name}', 200, { path: { name: `${query.repo}:one` } });
  });
}

interface Committed {
  Author: string;
  Comment: string;
  Config: { User: string; Entrypoint: string[]; Env: string[] };
}

type Fields = Record<string, unknown>;
interface Inspected {
  Config: Fields;
  HostConfig: Fields;
  NetworkSettings: { Networks: Record<string, Fields> };
}

/** What inspect shows otherwise than it was asked for, on purpose. */
const CHANGED = new Set([
  // this kernel may not keep them
  ...['BlkioWeight', 'BlkioWeightDevice', 'OomKillDisable'],
  // 0 and empty are not shown
  ...['KernelMemoryTCP', 'StorageOpt', 'MacAddress', 'NetworkDisabled'],
]);

/** Go leaves out what is false, 0 or empty. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value || undefined;
  const entries = Object.entries(value).map(([name, item]) => [name, withoutEmpty(item)]);
  const full = entries.filter(([, item]) => item !== undefined);
  return full.length > 0 ? Object.fromEntries(full) : undefined;
}

function assertEchoed(body: ReturnType<typeof createBody>, inspected: Inspected): void {
  const { HostConfig: hostConfig, NetworkingConfig: networking, ...config } = body;
  const compare = (asked: Fields, shown: Fields) => {
    for (const [name, value] of Object.entries(asked)) {
      if (!CHANGED.has(name)) assert.deepEqual(withoutEmpty(shown[name]), withoutEmpty(value), name);
    }
  };
  compare(
    { ...config, Env: undefined, Volumes: undefined },
    { ...inspected.Config, Env: undefined, Volumes: undefined },
  );
  compare(hostConfig, inspected.HostConfig);
  for (const [name, asked] of Object.entries(networking.EndpointsConfig)) {
    compare(asked, inspected.NetworkSettings.Networks[name]!);
  }
}
