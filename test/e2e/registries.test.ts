/** Registries that ask who one is: passwords, tokens, TLS; what is said of them, and to whom. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { makeAuthority, trust } from '#test/support/certificates.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { makeArchive } from '#test/support/images.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { putImage, putIndex } from '#test/support/registry-images.ts';
import { type RegistryProxy, startRegistryProxy } from '#test/support/registry-proxy.ts';
import { makeTar } from '#test/support/tar.ts';
import { startTokenServer, type TokenServer } from '#test/support/token-server.ts';

const PASSWORD = 'wherry-test-secret';
const users = { anna: PASSWORD };
const layers = [makeTar([{ name: 'file', body: 'x'.repeat(100_000) }])];

let daemon: TestDaemon;
let tokens: TokenServer;
const registries: Record<string, TestRegistry> = {};
/** Before the registry with passwords. */
let proxy: RegistryProxy;

before(async () => {
  daemon = await startDaemon({ busybox: false, flags: ['--registry-certs', '/var/tmp/wherry-test-certs-registries'] });
  const netns = daemon.netns.path;
  const authority = await makeAuthority(daemon.folder);
  const [server, client] = await Promise.all([authority.issue('server'), authority.issue('client')]);
  const certificates = '/var/tmp/wherry-test-certs-registries/127.0.0.1:5003';
  await mkdir(certificates, { recursive: true });
  await trust(certificates, authority, client);
  const signer = await makeAuthority(daemon.folder, 'signer');
  tokens = await startTokenServer({ netns, signer, users });
  const options: Record<string, Omit<RegistryOptions, 'netns'>> = {
    plain: { port: 5000 },
    basic: { port: 5001, users, behindProxy: true },
    token: { port: 5002, token: { ...tokens, certificate: signer.cert } },
    tls: { port: 5003, users, tls: { ...server, clientCa: authority.cert } },
  };
  for (const [name, more] of Object.entries(options)) registries[name] = await startRegistry({ netns, ...more });
  proxy = await startRegistryProxy({
    netns,
    upstream: registries.basic!.front,
    otherUpstream: registries.basic!.back,
    port: 5001,
  });
  const archive = join(daemon.folder, 'image.tar');
  await makeArchive(archive, [{ layers, tags: ['app:1'] }]);
  await daemon.ok(['load', '-q', '-i', archive]);
});

beforeEach(async () => {
  await writeFile(join(daemon.folder, 'config.json'), '{}');
  proxy.misbehave = () => undefined;
  proxy.requests.length = 0;
  tokens.requests.length = 0;
});

after(async () => {
  await daemon?.close();
  await proxy?.close();
  await tokens?.close();
  await Promise.all(Object.values(registries).map((registry) => registry.close()));
  await rm('/var/tmp/wherry-test-certs-registries', { recursive: true, force: true });
});

const kinds = ['basic', 'token', 'tls'] as const;
const clients = ['docker', 'wherry'] as const;
const nameAt = (kind: string, repository: string) => `${registries[kind]!.host}/${repository}`;
const run = (client: (typeof clients)[number], line: string, input?: string) =>
  daemon[client](line.split(' '), input === undefined ? {} : { input });

for (const kind of kinds) {
  for (const client of clients) {
    test(`${client} pushes to and pulls from a registry with ${kind} after a login, and not before`, async () => {
      const { host } = registries[kind]!;
      const name = nameAt(kind, `${client}/app:1`);
      await daemon.ok(['tag', 'app:1', name]);
      const before = await run(client, `push ${name}`);
      assert.notEqual(before.code, 0);
      assert.match(before.stderr, /no basic auth credentials|authentication required|denied|unauthorized/);
      const wrong = await run(client, `login -u anna --password-stdin ${host}`, 'wrong');
      assert.equal(wrong.code, 1);
      assert.match(wrong.stderr, /unauthorized|incorrect username or password/);
      const login = await run(client, `login -u anna --password-stdin ${host}`, PASSWORD);
      assert.deepEqual([login.code, login.stdout], [0, 'Login Succeeded\n'], login.stderr);
      const pushed = await run(client, `push ${name}`);
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.match(pushed.stdout, /^1: digest: sha256:[0-9a-f]{64} size: \d+$/m);
      await daemon.ok(['rmi', name]);
      const pulled = await run('docker', `pull -q ${name}`);
      assert.equal(pulled.code, 0, pulled.stderr);
      await daemon.ok(['rmi', name]);
      assert.equal((await run(client, `logout ${host}`)).code, 0);
      assert.doesNotMatch(await readFile(join(daemon.folder, 'config.json'), 'utf8'), /auth":/);
    });
  }
}

test('an identity token is kept instead of the password, and used', async () => {
  const { host } = registries.token!;
  assert.equal((await run('wherry', `login -u anna --password-stdin ${host}`, PASSWORD)).code, 0);
  const { auths } = JSON.parse(await readFile(join(daemon.folder, 'config.json'), 'utf8'));
  assert.ok(tokens.identities.has(auths[host].identitytoken));
  assert.doesNotMatch(Buffer.from(auths[host].auth, 'base64').toString(), new RegExp(PASSWORD));
  tokens.requests.length = 0;
  await daemon.ok(['tag', 'app:1', nameAt('token', 'identity:1')]);
  const { code, stderr } = await run('wherry', `push -q ${nameAt('token', 'identity:1')}`);
  assert.equal(code, 0, stderr);
  assert.deepEqual([...new Set(tokens.requests.map(({ grant, user }) => `${grant} ${user}`))], ['refresh_token anna']);
  const scopes = tokens.requests.flatMap((request) => request.scopes);
  assert.ok(scopes.includes('repository:identity:pull,push'), scopes.join());
  tokens.identities.clear();
  await daemon.ok(['tag', 'app:1', nameAt('token', 'revoked:1')]);
  const refused = await run('wherry', `push ${nameAt('token', 'revoked:1')}`);
  assert.notEqual(refused.code, 0, 'a revoked identity is worth nothing');
});

test('nobody who is not asked hears a password', async () => {
  const { host } = registries.basic!;
  await putImage(registries.basic!, 'secret', { layers: [makeTar([{ name: 'other', body: 'other' }])] }, '1');
  await run('wherry', `login -u anna --password-stdin ${host}`, PASSWORD);
  proxy.requests.length = 0;
  proxy.misbehave = ({ method, path }) =>
    method === 'GET' && path.includes('/blobs/') ? { redirect: true } : undefined;
  assert.equal((await run('docker', `pull -q ${nameAt('basic', 'secret:1')}`)).code, 0);
  const elsewhere = proxy.requests.filter((request) => request.host === proxy.otherHost);
  assert.ok(elsewhere.length > 0);
  assert.deepEqual(
    elsewhere.filter(({ headers }) => headers.authorization),
    [],
  );
  proxy.misbehave = () => ({ status: 418, body: 'no' });
  const failed = await run('docker', `pull ${nameAt('basic', 'secret:2')}`);
  const secret = Buffer.from(`anna:${PASSWORD}`).toString('base64');
  for (const text of [daemon.log(), failed.stderr, failed.stdout]) {
    assert.ok(!text.includes(PASSWORD) && !text.includes(secret));
  }
});

test('POST /auth: addresses of every form, and what is wrong', async () => {
  const { host } = registries.basic!;
  for (const serveraddress of [host, `http://${host}`, `https://${host}/v2/`]) {
    const { status, text } = await ask(daemon.socket, 'POST', '/auth', {
      username: 'anna',
      password: PASSWORD,
      serveraddress,
    });
    assert.deepEqual(
      [status, JSON.parse(text)],
      [200, { Status: 'Login Succeeded', IdentityToken: '' }],
      serveraddress,
    );
  }
  const answers = [
    [{ username: 'anna', password: 'wrong', serveraddress: host }, 401],
    [{ username: 'anna', password: PASSWORD, serveraddress: '127.0.0.1:1' }, 503],
    [{ serveraddress: 'a b' }, 400],
  ] as const;
  for (const [auth, status] of answers) {
    assert.equal((await ask(daemon.socket, 'POST', '/auth', auth)).status, status, JSON.stringify(auth));
  }
});

test('GET /distribution/{name}/json: the descriptor and the platforms', async () => {
  const registry = registries.plain!;
  const amd64 = await putImage(registry, 'multi', { layers }, 'amd64');
  const arm64 = await putImage(registry, 'multi', { layers, extra: { architecture: 'arm64', variant: 'v8' } });
  const platforms = [
    { architecture: 'amd64', os: 'linux' },
    { architecture: 'arm64', os: 'linux', variant: 'v8' },
  ];
  const entries = [amd64, arm64].map((entry, at) => ({ ...entry, platform: platforms[at]! }));
  const index = await putIndex(registry, 'multi', entries, 'all');
  const inspect = async (name: string) => {
    const { status, text } = await ask(daemon.socket, 'GET', `/distribution/${registry.host}/${name}/json`);
    return { status, ...JSON.parse(text) };
  };
  const { mediaType, digest, size } = index;
  assert.deepEqual(await inspect('multi:all'), {
    status: 200,
    Descriptor: { mediaType, digest, size },
    Platforms: platforms,
  });
  const one = await inspect(`multi@${arm64.digest}`);
  assert.deepEqual([one.Descriptor.digest, one.Platforms], [arm64.digest, [platforms[1]]]);
  assert.equal((await inspect('multi:nope')).status, 404);
  assert.equal((await inspect('MULTI')).status, 400);
});

test('search: the search API of a registry, filters, and the catalogue of one that has none', async () => {
  const { host } = registries.basic!;
  const result = (name: string, star_count: number, is_official: boolean) => ({
    name,
    star_count,
    is_official,
    is_automated: false,
    description: `${name} is a thing of which one\ncan say very much, and more`,
  });
  const results = [result('few', 2, false), result('many', 900, true), result('some', 30, false)];
  proxy.misbehave = ({ path }) =>
    path.startsWith('/v1/search') ? { status: 200, body: JSON.stringify({ results }) } : undefined;
  for (const line of [
    `search ${host}/thing`,
    `search --limit 3 ${host}/thing`,
    `search -f stars=30 ${host}/thing`,
    `search -f is-official=true --no-trunc ${host}/thing`,
    `search --format {{.Name}}:{{.StarCount}}:{{.IsOfficial}} ${host}/thing`,
    `search --format json ${host}/thing`,
    `search --limit 101 ${host}/thing`,
    `search -f nope=1 ${host}/thing`,
    `search -f is-official=perhaps ${host}/thing`,
  ]) {
    const theirs = await run('docker', line);
    const ours = await run('wherry', line);
    assert.deepEqual(ours, theirs, line);
  }
  assert.deepEqual(
    new URL(proxy.requests.find(({ path }) => path.includes('n=3'))!.path, 'http://x').search,
    '?q=thing&n=3',
  );
  await putImage(registries.plain!, 'team/needle', { layers }, '1');
  await putImage(registries.plain!, 'hay', { layers }, '1');
  const found = await run('wherry', `search --format {{.Name}} ${registries.plain!.host}/needle`);
  assert.deepEqual([found.stdout, found.stderr], [`${registries.plain!.host}/team/needle\n`, '']);
  const users = await run('wherry', `search ${host.replace('5001', '5003')}/x`);
  assert.match(users.stderr, /no basic auth credentials|authentication required|unauthorized/);
});
