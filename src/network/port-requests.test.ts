import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortMap } from '#api/types/port.ts';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { parsePort, portRequests } from './port-requests.ts';
import { fromPortMap, hostText, type PublishedPort, toPortMap } from './published-port.ts';

const one = (HostPort: string, HostIp = ''): PortMap => ({ '80/tcp': [{ HostIp, HostPort }] });

test('a binding names a port, a range or nothing', () => {
  const base = { protocol: 'tcp', containerPort: 80, hostAddress: '' };
  assert.deepEqual(portRequests(one('8080'), [], false), [{ ...base, firstPort: 8080, lastPort: 8080 }]);
  assert.deepEqual(portRequests(one('8000-8010'), [], false), [{ ...base, firstPort: 8000, lastPort: 8010 }]);
  assert.deepEqual(portRequests(one(''), [], false), [{ ...base, firstPort: 0, lastPort: 0 }]);
  assert.deepEqual(portRequests({ '80/tcp': null }, [], false), []);
});

test('addresses become canonical', () => {
  const address = (text: string) => portRequests(one('1', text), [], false)[0]!.hostAddress;
  assert.equal(address('127.0.0.1'), '127.0.0.1');
  assert.equal(address('[0:0::1]'), '::1');
  assert.equal(address('::'), '::');
});

test('publish-all adds the exposed ports that have no binding', () => {
  const exposed = ['80/tcp', '53/udp', '9/sctp'];
  const requests = portRequests(one('8080'), exposed, true).map(
    (request) => `${request.containerPort}/${request.protocol}`,
  );
  assert.deepEqual(requests, ['80/tcp', '53/udp', '9/sctp']);
});

test('what is named comes before what may be any', () => {
  const bindings: PortMap = {
    '1/tcp': [{ HostIp: '', HostPort: '' }],
    '2/tcp': [{ HostIp: '', HostPort: '5-9' }],
    ...one('7'),
  };
  assert.deepEqual(
    portRequests(bindings, [], false).map(({ containerPort }) => containerPort),
    [80, 2, 1],
  );
});

test('what cannot be is refused as invalid, whatever it is', () => {
  const isInvalid = (error: unknown) => isEngineError(error, 'invalid');
  for (const bad of ['x', '-1', '65536', '10-5', '1-2-', '1.5', ' 1']) {
    assert.throws(() => portRequests(one(bad), [], false), isInvalid, bad);
  }
  for (const bad of ['x', '0/tcp', '80/icmp', '', '/tcp']) assert.throws(() => parsePort(bad), isInvalid, bad);
  assert.throws(() => portRequests(one('1', 'localhost'), [], false), /invalid IP address: localhost/);
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (key, HostIp, HostPort) => {
      try {
        portRequests({ [key]: [{ HostIp, HostPort }] }, [], false);
      } catch (error) {
        assert.ok(isInvalid(error));
      }
    }),
  );
});

test('published ports go onto the wire and back', () => {
  const ports: PublishedPort[] = [
    { protocol: 'tcp', hostAddress: '0.0.0.0', hostPort: 8080, containerAddress: '172.17.0.2', containerPort: 80 },
    { protocol: 'tcp', hostAddress: '::', hostPort: 8080, containerAddress: '172.17.0.2', containerPort: 80 },
    { protocol: 'udp', hostAddress: '127.0.0.1', hostPort: 53, containerAddress: '172.17.0.2', containerPort: 53 },
  ];
  const map = toPortMap(ports, ['80/tcp', '443']);
  assert.deepEqual(map, {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ],
    '443/tcp': null,
    '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
  });
  assert.deepEqual(fromPortMap(map, '172.17.0.2'), ports);
  assert.deepEqual(ports.map(hostText), ['0.0.0.0:8080', '[::]:8080', '127.0.0.1:53']);
});
