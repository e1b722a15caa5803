import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originOf, parseMirrors, pullEndpoints } from './endpoints.ts';
import { proxyFor } from './proxy.ts';
import { DEFAULT_SETTINGS, proxiesFrom } from './settings.ts';

const origins = (domain: string, insecureRegistries: string[] = []) => originOf(domain, { insecureRegistries }).origins;

test('loopback may be without TLS, others only when they are listed', () => {
  assert.deepEqual(origins('docker.io'), ['https://registry-1.docker.io']);
  assert.deepEqual(origins('registry.example:5000'), ['https://registry.example:5000']);
  for (const domain of ['localhost:5000', 'localhost', '127.0.0.1:5000', '127.9.9.9', '[::1]:5000', 'a.localhost:1']) {
    assert.deepEqual(origins(domain), [`http://${domain}`, `https://${domain}`]);
  }
  const listed = ['plain.example', 'other.example:5000', '10.0.0.0/8', 'fd00::/8'];
  for (const domain of ['plain.example:81', 'other.example:5000', '10.1.2.3:5000', '[fd00::2]:5000']) {
    assert.deepEqual(origins(domain, listed), [`https://${domain}`, `http://${domain}`]);
  }
  for (const domain of ['other.example:5001', 'b.plain.example', '11.1.2.3', '127.example', 'localhost.example']) {
    assert.equal(origins(domain, listed).length, 1, domain);
  }
});

test('mirrors come before the registry, for docker.io or for the domain that is named', () => {
  const values = ['https://mirror.example/hub/', 'ghcr.io=http://10.0.0.1:5000', 'https://second.example'];
  const settings = { ...DEFAULT_SETTINGS, mirrors: parseMirrors(values) };
  const found = (domain: string) =>
    pullEndpoints(domain, settings).map(({ origins, prefix, insecure, mirror }) => [
      origins.join(),
      prefix,
      insecure,
      mirror,
    ]);
  assert.deepEqual(found('docker.io'), [
    ['https://mirror.example', '/hub', false, true],
    ['https://second.example', '', false, true],
    ['https://registry-1.docker.io', '', false, false],
  ]);
  assert.deepEqual(found('ghcr.io')[0], ['http://10.0.0.1:5000', '', true, true]);
  assert.equal(found('quay.io').length, 1);
  for (const wrong of ['mirror.example', 'ftp://x', 'https://u:p@x', 'https://x/?q', 'ghcr.io=']) {
    assert.throws(() => parseMirrors([wrong]), { kind: 'invalid' }, wrong);
  }
});

test('proxies are chosen as Go chooses them', () => {
  const no = 'internal.example, .corp.example, 10.0.0.0/8, port.example:8443, [fd00::1]:80';
  const proxies = { http: 'http://p:1', https: 'p:2', no };
  const choose = (url: string) => proxyFor(new URL(url), proxies);
  assert.equal(choose('http://registry.example/'), 'http://p:1');
  assert.equal(choose('https://registry.example/'), 'http://p:2');
  for (const url of [
    'https://internal.example/',
    'https://a.internal.example/',
    'https://x.corp.example/',
    'http://10.200.0.1:5000/',
    'https://port.example:8443/',
    'http://127.0.0.1:5000/',
    'http://localhost/',
    'http://[fd00::1]/',
  ]) {
    assert.equal(choose(url), undefined, url);
  }
  for (const url of ['https://notinternal.example/', 'https://corp.example/', 'https://port.example/']) {
    assert.equal(choose(url), 'http://p:2', url);
  }
  assert.equal(proxyFor(new URL('https://a/'), { https: 'http://p', no: '*' }), undefined);
});

test('proxies of the configuration win over those of the environment', () => {
  const environment = { HTTP_PROXY: 'http://a', https_proxy: 'http://b', HTTPS_PROXY: 'http://c', NO_PROXY: 'x' };
  assert.deepEqual(proxiesFrom(environment, { http: 'http://d' }), { http: 'http://d', https: 'http://b', no: 'x' });
  assert.deepEqual(proxiesFrom({}), {});
});
