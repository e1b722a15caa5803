/** The registries of the tests are what they say: driven by skopeo, so that a failure of ours is none of theirs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Authority, makeAuthority, trust } from '#test/support/certificates.ts';
import { makeNamespace, type TestNamespace } from '#test/support/netns.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from '#test/support/registry.ts';
import { putImage } from '#test/support/registry-images.ts';
import { startRegistryProxy } from '#test/support/registry-proxy.ts';
import { makeTar } from '#test/support/tar.ts';
import { startTokenServer } from '#test/support/token-server.ts';

let folder: string;
let netns: TestNamespace;
let authority: Authority;
const layers = [makeTar([{ name: 'file', body: 'x'.repeat(10_000) }])];

before(async () => {
  folder = await mkdtemp('/var/tmp/wherry-test-registries-');
  netns = await makeNamespace();
  authority = await makeAuthority(folder);
});

after(async () => {
  await netns?.remove();
  await rm(folder, { recursive: true, force: true });
});

async function withRegistry(options: Omit<RegistryOptions, 'netns'>, body: (registry: TestRegistry) => Promise<void>) {
  const registry = await startRegistry({ netns: netns.path, ...options });
  try {
    await body(registry);
  } finally {
    await registry.close();
  }
}

/** What skopeo says of `app:1` at a host. */
async function inspect(host: string, ...flags: string[]): Promise<{ Digest: string }> {
  const command = [`--net=${netns.path}`, 'skopeo', 'inspect', ...flags, `docker://${host}/app:1`];
  return JSON.parse((await promisify(execFile)('nsenter', command)).stdout);
}

test('a plain registry', () =>
  withRegistry({}, async (registry) => {
    const { digest } = await putImage(registry, 'app', { layers }, '1');
    assert.equal((await inspect(registry.host, '--tls-verify=false')).Digest, digest);
  }));

test('TLS of an own authority, and client certificates', async () => {
  const tls = { ...(await authority.issue('server')), clientCa: authority.cert };
  await withRegistry({ tls }, async (registry) => {
    const { digest } = await putImage(registry, 'app', { layers }, '1');
    const certificates = join(folder, 'certs');
    await mkdir(certificates);
    await trust(certificates, authority);
    await assert.rejects(inspect(registry.host, `--cert-dir=${certificates}`), /certificate required/);
    await trust(certificates, authority, await authority.issue('client'));
    assert.equal((await inspect(registry.host, `--cert-dir=${certificates}`)).Digest, digest);
  });
});

test('basic auth', () =>
  withRegistry({ users: { anna: 'secret' } }, async (registry) => {
    const { digest } = await putImage(registry, 'app', { layers }, '1');
    await assert.rejects(inspect(registry.host, '--tls-verify=false'), /authentication required/);
    const found = await inspect(registry.host, '--tls-verify=false', '--creds=anna:secret');
    assert.equal(found.Digest, digest);
  }));

test('a token server: nobody may pull, users may more', async () => {
  const users = { anna: 'secret' };
  const signer = await makeAuthority(folder, 'signer');
  const server = await startTokenServer({ netns: netns.path, signer, users });
  try {
    await withRegistry({ token: { ...server, certificate: signer.cert } }, async (registry) => {
      const { digest } = await putImage(registry, 'app', { layers }, '1');
      assert.equal((await inspect(registry.host, '--tls-verify=false')).Digest, digest);
      assert.deepEqual(server.requests.at(-1)!.scopes, ['repository:app:pull']);
      const copy = ['copy', '--dest-tls-verify=false', '--src-tls-verify=false', `docker://${registry.host}/app:1`];
      const run = (...flags: string[]) =>
        promisify(execFile)('nsenter', [`--net=${netns.path}`, 'skopeo', '--insecure-policy', ...copy, ...flags]);
      await assert.rejects(run(`docker://${registry.host}/copy:1`), /access to the resource is denied/);
      await run('--dest-creds=anna:secret', `docker://${registry.host}/copy:1`);
      assert.equal(
        (await registry.ask('GET', '/v2/copy/tags/list')).body.toString().trim(),
        '{"name":"copy","tags":["1"]}',
      );
    });
  } finally {
    await server.close();
  }
});

test('the unreliable proxy counts, cuts, redirects', () =>
  withRegistry({ behindProxy: true, users: { anna: 'secret' } }, async (registry) => {
    const { layers: blobs } = await putImage(registry, 'app', { layers, compression: 'none' }, '1');
    const { digest, size } = blobs[0]!;
    const proxy = await startRegistryProxy({ netns: netns.path, upstream: registry.front });
    try {
      const url = `http://${proxy.host}/v2/app/blobs/${digest}`;
      const curl = async (...flags: string[]) =>
        (
          await promisify(execFile)('nsenter', [
            `--net=${netns.path}`,
            'curl',
            '-sS',
            '-u',
            'anna:secret',
            ...flags,
            url,
          ])
        ).stdout;
      assert.equal((await curl()).length, size);
      assert.equal(proxy.bytesOf(digest), size);
      proxy.misbehave = () => ({ cutAfter: 1000 });
      await assert.rejects(curl(), /bytes missing/);
      assert.equal(proxy.bytesOf(digest), size + 1000);
      proxy.misbehave = () => ({ redirect: true });
      assert.equal((await curl('-L', '--location-trusted')).length, size);
      assert.deepEqual(
        proxy.requests.slice(-2).map(({ host, status }) => [host, status]),
        [
          [proxy.host, 307],
          [proxy.otherHost, 200],
        ],
      );
      proxy.misbehave = ({ earlier }) => ({ corruptAt: 600, ignoreRange: true, etag: `"${earlier}"` });
      assert.notDeepEqual(await curl('-r', '0-9'), await curl('-r', '0-9').then((text) => text.slice(0, 10)));
      proxy.misbehave = () => ({ status: 429, headers: { 'Retry-After': '1' } });
      await assert.rejects(curl('-f'), /429/);
    } finally {
      await proxy.close();
    }
  }));
