import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitVersion } from './api-version.ts';

test('a path has a version or the newest', () => {
  assert.deepEqual(splitVersion('/v1.17/info'), { version: 17, path: '/info' });
  assert.deepEqual(splitVersion('/v1.51/containers/x/json'), { version: 51, path: '/containers/x/json' });
  assert.deepEqual(splitVersion('/info'), { version: 51, path: '/info' });
  assert.deepEqual(splitVersion('/volumes'), { version: 51, path: '/volumes' });
  assert.deepEqual(splitVersion('/v1x/info'), { version: 51, path: '/v1x/info' });
  assert.deepEqual(splitVersion(''), { version: 51, path: '' });
});

test('versions beyond ours are refused in the words clients know', () => {
  assert.throws(() => splitVersion('/v1.52/info'), {
    kind: 'invalid',
    message: 'client version 1.52 is too new. Maximum supported API version is 1.51',
  });
  assert.throws(() => splitVersion('/v2.0/info'), { message: /too new/ });
  assert.throws(() => splitVersion('/v1.16/info'), {
    message:
      'client version 1.16 is too old. Minimum supported API version is 1.17, ' +
      'please upgrade your client to a newer version',
  });
});
