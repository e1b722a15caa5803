import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { parseHost } from './listen-target.ts';

test('the forms of -H', () => {
  assert.deepEqual(parseHost('unix:///run/x.sock'), { kind: 'unix', path: '/run/x.sock', access: 'admin' });
  assert.deepEqual(parseHost('unix:///run/x.sock,access=read'), { kind: 'unix', path: '/run/x.sock', access: 'read' });
  assert.deepEqual(parseHost('tcp://0.0.0.0:2376'), {
    kind: 'tcp',
    host: '0.0.0.0',
    port: 2376,
    access: 'admin',
  });
  assert.partialDeepStrictEqual(parseHost('tcp://[::1]:0,auth=none,access=operate'), {
    host: '::1',
    port: 0,
    auth: 'none',
    access: 'operate',
  });
  assert.partialDeepStrictEqual(parseHost('tcp://:2375,auth=server'), { host: '127.0.0.1', auth: 'server' });
  assert.deepEqual(parseHost('fd://'), { kind: 'systemd', name: '', access: 'admin' });
  assert.deepEqual(parseHost('fd://docker.socket'), { kind: 'systemd', name: 'docker.socket', access: 'admin' });
});

test('anything else is refused, with the text that was wrong', () => {
  for (const text of [
    '',
    '/run/x.sock',
    'http://localhost:80',
    'unix://',
    'unix://relative',
    'tcp://localhost',
    'tcp://localhost:99999',
    'tcp://a:b:1',
    'unix:///x,auth=none',
    'unix:///x,access=all',
    'tcp://a:1,auth=weak',
  ])
    assert.throws(() => parseHost(text), { kind: 'invalid' }, text);
  assert.throws(() => parseHost('http://x'), { message: "invalid host 'http://x': unknown scheme" });
  fc.assert(
    fc.property(fc.constantFrom('', 'unix://', 'tcp://', 'fd://'), fc.string(), (scheme, rest) => {
      try {
        parseHost(scheme + rest);
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'));
      }
    }),
  );
});
