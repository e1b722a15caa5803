import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registryAuth } from './registry-auth.ts';

const read = (header: string | undefined) => registryAuth({ headers: { 'x-registry-auth': header } });

test('X-Registry-Auth is JSON in base64, of either alphabet', () => {
  const auth = { username: 'ü?>', password: 'p~~', identitytoken: 't' };
  const text = Buffer.from(JSON.stringify({ ...auth, other: 1, auth: null }));
  assert.deepEqual(read(text.toString('base64url')), auth);
  assert.deepEqual(read(text.toString('base64')), auth);
});

test('what cannot be read counts as absent', () => {
  for (const header of [
    undefined,
    '',
    '!',
    Buffer.from('null').toString('base64'),
    Buffer.from('{').toString('base64'),
  ]) {
    assert.equal(read(header), undefined);
  }
});

test('X-Registry-Config says it of many registries, where there is no X-Registry-Auth', () => {
  const config = {
    'https://index.docker.io/v1/': { username: 'hub' },
    '127.0.0.1:5000': { username: 'local' },
    'http://other.example/v2/': { identitytoken: 'token' },
  };
  const header = Buffer.from(JSON.stringify(config)).toString('base64url');
  const of = (image: string, headers = {}) =>
    registryAuth({ headers: { 'x-registry-config': header, ...headers } }, image);
  assert.deepEqual(of('busybox'), { username: 'hub' });
  assert.deepEqual(of('docker.io/library/busybox:1'), { username: 'hub' });
  assert.deepEqual(of(`127.0.0.1:5000/a/b@sha256:${'a'.repeat(64)}`), { username: 'local' });
  assert.deepEqual(of('other.example/c:tag'), { identitytoken: 'token' });
  assert.equal(of('127.0.0.1:5001/a'), undefined);
  assert.equal(of('not a NAME'), undefined);
  const one = Buffer.from(JSON.stringify({ username: 'one' })).toString('base64url');
  assert.deepEqual(of('busybox', { 'x-registry-auth': one }), { username: 'one' });
  for (const odd of ['', '!', 'null', '[1]', '{"a":1}', '{"docker.io":"text"}']) {
    const headers = { 'x-registry-config': Buffer.from(odd).toString('base64') };
    assert.equal(registryAuth({ headers }, 'busybox'), undefined);
  }
});
