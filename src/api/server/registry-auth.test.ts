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
