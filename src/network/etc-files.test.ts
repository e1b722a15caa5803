import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerHosts, hostNetworkHosts, parseExtraHost } from './hosts-file.ts';
import { containerResolvConf, parseResolvConf } from './resolv-conf.ts';

const NO_DNS = { servers: [], search: [], options: [] };
const OWN = { hostNetwork: false };

test('hosts: loopback, extra hosts, then the container itself', () => {
  const text = containerHosts({
    hostname: 'web',
    domainname: 'example.org',
    addresses: ['172.17.0.2'],
    extraHosts: ['db:10.0.0.5', 'six:fe80::1', 'gate:host-gateway', 'bad'],
    hostGateway: '172.17.0.1',
  });
  assert.deepEqual(text.split('\n'), [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    '10.0.0.5\tdb',
    'fe80::1\tsix',
    '172.17.0.1\tgate',
    '172.17.0.2\tweb.example.org web',
    '',
  ]);
});

test("hosts: on the host network the host's own file comes first", () => {
  assert.equal(
    hostNetworkHosts('127.0.0.1 localhost', { extraHosts: ['db=10.0.0.5'] }),
    '127.0.0.1 localhost\n10.0.0.5\tdb\n',
  );
});

test('extra hosts are a name and an address', () => {
  assert.deepEqual(parseExtraHost('a:[::1]'), { name: 'a', address: '::1' });
  for (const bad of ['a', 'a:', ':1.2.3.4', 'a:b', '']) assert.equal(parseExtraHost(bad), undefined);
});

test('resolv.conf: servers that a container cannot reach are left out', () => {
  const host =
    'nameserver 127.0.0.53\nnameserver ::1\nnameserver 2001:db8::1\nnameserver 10.0.0.53\nsearch a b\noptions ndots:2\n';
  assert.equal(containerResolvConf(host, NO_DNS, OWN), 'nameserver 10.0.0.53\nsearch a b\noptions ndots:2\n');
  assert.equal(
    containerResolvConf(host, NO_DNS, { hostNetwork: true }),
    'nameserver 127.0.0.53\nnameserver ::1\nnameserver 2001:db8::1\nnameserver 10.0.0.53\nsearch a b\noptions ndots:2\n',
  );
});

test('resolv.conf: public servers stand in when none is left', () => {
  assert.equal(containerResolvConf('nameserver 127.0.0.1\n', NO_DNS, OWN), 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n');
});

test('resolv.conf: what was asked for replaces what the host has', () => {
  const host = 'nameserver 10.0.0.53\nsearch a\noptions ndots:2\n';
  const request = { servers: ['127.0.0.1', '9.9.9.9'], search: ['.'], options: ['rotate'] };
  assert.equal(containerResolvConf(host, request, OWN), 'nameserver 127.0.0.1\nnameserver 9.9.9.9\noptions rotate\n');
});

test('resolv.conf: comments, the last search line, several options lines', () => {
  const text = '# generated\nnameserver 1.1.1.1 # first\n;x\nsearch a\ndomain b\noptions x\noptions y\nnameserver\n';
  assert.deepEqual(parseResolvConf(text), { nameservers: ['1.1.1.1'], search: ['b'], options: ['x', 'y'] });
});
