import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveTargets, type TargetSettings } from './resolve-target.ts';

const settings: TargetSettings = {
  group: { name: 'docker', required: false },
  tls: { enabled: false, verify: false },
  descriptors: new Map([
    ['fd://0', 7],
    ['fd://1', 8],
    ['other', 9],
  ]),
};

test('TCP in plain text, or open to any client, must be asked for by name', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-target-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => {
    const path = join(folder, name);
    writeFileSync(path, name);
    return path;
  };
  const resolve = async (host: string, tls: Partial<TargetSettings['tls']>) => {
    const [target] = await resolveTargets(host, { ...settings, tls: { ...settings.tls, ...tls } });
    return target?.tls;
  };
  const files = { caCert: file('ca'), cert: file('cert'), key: file('key') };
  const host = 'tcp://127.0.0.1:1';
  await assert.rejects(resolve(host, {}), { kind: 'invalid', message: /needs certificates/, hint: /auth=none/ });
  await assert.rejects(resolve(host, { cert: files.cert, key: files.key }), { kind: 'invalid' });
  await assert.rejects(resolve(host, { ...files, ca: 1, key: '/no/such/key' } as never), {
    kind: 'system',
    message: /\/no\/such\/key/,
  });
  assert.equal(await resolve(`${host},auth=none`, files), undefined);
  for (const tls of [files, { ...files, enabled: true, verify: true }]) {
    assert.partialDeepStrictEqual(await resolve(host, tls), { verifyClients: true, ca: Buffer.from('ca') });
  }
  for (const [address, tls] of [
    [`${host},auth=server`, files],
    [host, { ...files, enabled: true }],
  ] as const) {
    assert.partialDeepStrictEqual(await resolve(address, tls), { verifyClients: false, cert: Buffer.from('cert') });
  }
});

test('sockets of systemd are found by name, all of them without one', async () => {
  assert.deepEqual(await resolveTargets('fd://', settings), [
    { kind: 'fd', fd: 7, access: 'admin' },
    { kind: 'fd', fd: 8, access: 'admin' },
  ]);
  assert.deepEqual(await resolveTargets('fd://1,access=read', settings), [{ kind: 'fd', fd: 8, access: 'read' }]);
  await assert.rejects(resolveTargets('fd://2', settings), { kind: 'invalid', message: /no socket was passed/ });
});

test('a unix socket gets the group', async () => {
  assert.deepEqual(await resolveTargets('unix:///x', settings), [
    { kind: 'unix', path: '/x', group: settings.group, access: 'admin' },
  ]);
});
