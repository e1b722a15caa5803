import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { parseChallenges } from './challenge.ts';
import { formatScope, mergeScopes, parseScopes, repositoryScope } from './scopes.ts';

const parsed = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test('challenges are read as RFC 9110 writes them', () => {
  assert.deepEqual(parsed('Bearer realm="https://auth.example/token",service="r",scope="repository:a/b:pull,push"'), [
    ['bearer', { realm: 'https://auth.example/token', service: 'r', scope: 'repository:a/b:pull,push' }],
  ]);
  assert.deepEqual(parsed('Basic realm="a \\"b\\", c" , Bearer realm = token , error="x"'), [
    ['basic', { realm: 'a "b", c' }],
    ['bearer', { realm: 'token', error: 'x' }],
  ]);
  assert.deepEqual(parsed('Negotiate, basic'), [
    ['negotiate', {}],
    ['basic', {}],
  ]);
  assert.deepEqual(parsed(''), []);
  assert.deepEqual(parsed('realm="x"'), []);
  assert.deepEqual(parsed('Basic realm="open'), [['basic', {}]]);
});

test('no header is too odd to be read', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), (header) => parseChallenges(header).length >= 0));
});

test('scopes of one resource are merged, and read the same in every order', () => {
  const wishes = [repositoryScope('b', 'push', 'pull'), repositoryScope('a', 'pull'), repositoryScope('b', 'pull')];
  const texts = ['repository:a:pull', 'repository:b:pull,push'];
  assert.deepEqual(mergeScopes(wishes).map(formatScope), texts);
  assert.deepEqual(mergeScopes(wishes.reverse()).map(formatScope), texts);
  assert.deepEqual(parseScopes('repository:h:5/a:pull registry:catalog:* nonsense').map(formatScope), [
    'repository:h:5/a:pull',
    'registry:catalog:*',
  ]);
});
