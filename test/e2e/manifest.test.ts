/** Lists of manifests, side by side with docker's client: the same words, the same files, the same bytes at the registry. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { type Output, run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { putImage } from '#test/support/registry-images.ts';
import { makeTar } from '#test/support/tar.ts';

let daemon: TestDaemon;
let registry: TestRegistry;
let host: string;
const layers = (text: string) => [makeTar([{ name: text, body: text }])];

before(async () => {
  daemon = await startDaemon({ busybox: false });
  registry = await startRegistry({ netns: daemon.netns.path });
  host = registry.host;
  for (const [repository, docker] of [
    ['one', true],
    ['two', false],
  ] as const) {
    await putImage(registry, `${repository}/a`, { layers: layers(`${repository}-a`), docker }, 'amd64');
    const extra = { architecture: 'arm64', variant: 'v8' };
    await putImage(registry, `${repository}/b`, { layers: layers(`${repository}-b`), docker, extra }, 'arm64');
  }
  for (const client of clients) await mkdir(config(client));
});

after(async () => {
  await daemon?.close();
  await registry?.close();
});

const clients = ['docker', 'wherry'] as const;
type Client = (typeof clients)[number];
const config = (client: Client) => join(daemon.folder, `config-${client}`);

/** docker's client asks the registry itself, so it runs where that is; ours has the daemon ask. `H` is the registry. */
async function manifest(client: Client, line: string, list: string): Promise<Output> {
  const args = ['manifest', ...line.replaceAll('H/', `${host}/`).replaceAll('LIST', `${host}/${list}`).split(' ')];
  const env = { ...process.env, DOCKER_CONFIG: config(client) };
  const { code, stdout, stderr } =
    client === 'wherry'
      ? await daemon.wherry(args, { env: { DOCKER_CONFIG: config(client) } })
      : await run('nsenter', [`--net=${daemon.netns.path}`, 'docker', ...args], '', env);
  const plain = (text: string) => text.replaceAll(list, 'list').replaceAll('docker manifest', 'wherry manifest');
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

async function stored(client: Client): Promise<Record<string, string>> {
  const root = join(config(client), 'manifests');
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      paths
        .sort()
        .map(async (path) => [
          relative(root, path).replaceAll(client, 'client'),
          JSON.stringify(sortKeys(JSON.parse(await readFile(path, 'utf8')))),
        ]),
    ),
  );
}

const sortKeys = (value: unknown): unknown =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort()
          .map(([key, item]) => [key, sortKeys(item)]),
      )
    : value;

async function same(line: string): Promise<Output> {
  const theirs = await manifest('docker', line, 'list-docker');
  const ours = await manifest('wherry', line, 'list-wherry');
  assert.deepEqual(ours, theirs, line);
  assert.deepEqual(await stored('wherry'), await stored('docker'), line);
  return ours;
}

test('inspect of what a registry has', async () => {
  for (const image of ['H/one/a:amd64', 'H/two/b:arm64']) {
    await same(`inspect --insecure ${image}`);
    await same(`inspect --insecure -v ${image}`);
  }
  await same('inspect --insecure H/one/a:nope');
});

for (const repository of ['one', 'two']) {
  test(`a list is made, annotated, pushed and removed (${repository})`, async () => {
    const [amd64, arm64] = [`H/${repository}/a:amd64`, `H/${repository}/b:arm64`];
    await same(`create --insecure LIST:1 ${amd64}`);
    await same(`create --insecure LIST:1 ${arm64}`);
    await same(`create --insecure --amend LIST:1 ${arm64}`);
    await same('inspect --insecure LIST:1');
    await same('inspect --insecure -v LIST:1');
    await same(`inspect --insecure LIST:1 ${arm64}`);
    await same(`annotate LIST:1 ${arm64} --variant v7 --os-features a,b --os-version 1.2`);
    await same(`annotate LIST:1 ${arm64} --os linux --arch toaster`);
    await same(`annotate LIST:1 H/nope:1 --arch arm64`);
    await same('inspect --insecure LIST:1');
    const pushed = await same('push --insecure LIST:1');
    const digest = pushed.stdout.trim().split('\n').at(-1)!;
    const kind = repository === 'one' ? 'docker.distribution.manifest.list.v2' : 'oci.image.index.v1';
    const accept = { Accept: `application/vnd.${kind}+json` };
    for (const client of clients) {
      const { status, headers } = await registry.ask('HEAD', `/v2/list-${client}/manifests/1`, { headers: accept });
      assert.deepEqual([status, headers['docker-content-digest']], [200, digest], client);
    }
    await same('push --insecure -p LIST:1');
    await same('push --insecure LIST:1');
    await same('inspect --insecure LIST:1');
    await same(`create --insecure LIST:2 ${amd64} ${arm64}`);
    await same('rm LIST:2');
    await same('rm LIST:2');
    await daemon.ok(['pull', '-q', `${host}/list-wherry:1`]);
    await daemon.ok(['rmi', `${host}/list-wherry:1`]);
  });
}

test('a list of one client is pushed by the other', async () => {
  const list = 'shared';
  const env = { DOCKER_CONFIG: config('docker') };
  const made = await manifest('docker', 'create --insecure LIST:1 H/one/a:amd64 H/one/b:arm64', list);
  assert.equal(made.code, 0, made.stderr);
  const { code, stderr } = await daemon.wherry(['manifest', 'push', '-p', `${host}/${list}:1`], { env });
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    (await registry.ask('GET', `/v2/${list}/tags/list`)).body.toString().trim(),
    '{"name":"shared","tags":["1"]}',
  );
});

test('images of another registry are refused', async () => {
  const made = await manifest('wherry', 'create localhost:5000/elsewhere:1 H/one/a:amd64 H/one/b:arm64', 'x');
  assert.equal(made.code, 0, made.stderr);
  const { code, stderr } = await manifest('wherry', 'push localhost:5000/elsewhere:1', 'x');
  assert.equal(code, 1);
  assert.match(stderr, /cannot use source images from a different registry than the target image/);
});
