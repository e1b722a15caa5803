import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planDefaultNetwork } from './default-network.ts';
import type { HostNetwork } from './host-network.ts';
import { DEFAULT_NETWORK_SETTINGS, type NetworkSettings } from './settings.ts';

const link = (index: number, name: string, mtu = 1500) => ({
  index,
  name,
  mtu,
  kind: '',
  up: true,
  mac: '',
  master: 0,
  peer: 0,
});
const route = (destination: string | undefined, prefix: number, more = {}) => ({
  destination,
  prefix,
  gateway: undefined,
  link: 2,
  table: 254,
  ...more,
});

function host(more: Partial<HostNetwork> = {}): HostNetwork {
  return { links: [link(2, 'eth0')], addresses: [], routes: [], nameservers: [], ...more };
}

const plan = (settings: Partial<NetworkSettings>, on: HostNetwork, stored?: Parameters<typeof planDefaultNetwork>[2]) =>
  planDefaultNetwork({ ...DEFAULT_NETWORK_SETTINGS, ...settings }, on, stored);

test('on an empty host it is where Docker puts it', () => {
  const network = {
    link: 'wherry0',
    subnet: '172.17.0.0/16',
    range: '172.17.0.0/16',
    gateway: '172.17.0.1',
    mtu: 1500,
  };
  assert.deepEqual(plan({}, host()), network);
});

test('it keeps off routes, addresses and name servers of the host', () => {
  assert.equal(plan({}, host({ routes: [route('172.17.1.0', 24)] })).subnet, '172.18.0.0/16');
  assert.equal(plan({}, host({ addresses: [{ link: 2, address: '172.17.3.4', prefix: 24 }] })).subnet, '172.18.0.0/16');
  assert.equal(plan({}, host({ nameservers: ['172.17.0.53', 'fe80::1'] })).subnet, '172.18.0.0/16');
  assert.equal(plan({}, host({ routes: [route(undefined, 0), route('2001:db8::', 32)] })).subnet, '172.17.0.0/16');
});

test('its own link and routes are no obstacle, and its address stays', () => {
  const on = host({
    links: [link(2, 'eth0'), link(3, 'wherry0')],
    addresses: [{ link: 3, address: '172.20.0.1', prefix: 16 }],
    routes: [route('172.20.0.0', 16, { link: 3 })],
  });
  assert.equal(plan({}, on).gateway, '172.20.0.1');
});

test('without a link it goes back to where it was, unless that is taken now', () => {
  const stored = { link: 'wherry0', subnet: '172.19.0.0/16', range: '172.19.0.0/16', gateway: '172.19.0.1', mtu: 1500 };
  assert.equal(plan({}, host(), stored).gateway, '172.19.0.1');
  assert.equal(plan({}, host({ routes: [route('172.19.0.0', 24)] }), stored).gateway, '172.17.0.1');
});

test('what the configuration says comes first', () => {
  const on = host({ routes: [route('10.0.0.0', 8)] });
  const network = plan({ bip: '10.1.0.1/24', fixedCidr: '10.1.0.64/26', mtu: 9000 }, on);
  assert.deepEqual(network, {
    link: 'wherry0',
    subnet: '10.1.0.0/24',
    range: '10.1.0.64/26',
    gateway: '10.1.0.1',
    mtu: 9000,
  });
});

test('the MTU is that of the way out, where that is small', () => {
  const routes = [route(undefined, 0, { gateway: '10.0.0.1' })];
  assert.equal(plan({}, host({ links: [link(2, 'eth0', 1460)], routes })).mtu, 1460);
  assert.equal(plan({}, host({ links: [link(2, 'eth0', 9000)], routes })).mtu, 1500);
});

test('a configuration that cannot be is refused', () => {
  for (const bip of ['172.17.0.1', '172.17.0.0/16', '172.17.0.1/31', 'x'])
    assert.throws(() => plan({ bip }, host()), /bridge address/);
  for (const fixedCidr of ['172.18.0.0/24', '172.16.0.0/12', 'x'])
    assert.throws(() => plan({ fixedCidr }, host()), /not within/);
});
