import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { blockContains, formatBlock, formatIpv4, type Ipv4Block, parseIpv4, parseIpv4Cidr } from '#lib/ip.ts';
import fc from '#test/support/property.ts';
import { AddressAllocator, chooseSubnet, DEFAULT_POOLS, parseAddressPool } from './ipam.ts';

const block = (text: string): Ipv4Block => parseIpv4Cidr(text)!.block;
const number = (text: string): number => parseIpv4(text)!;

test('the first pool that nothing on the host touches is chosen', () => {
  assert.equal(formatBlock(chooseSubnet([], DEFAULT_POOLS)), '172.17.0.0/16');
  assert.equal(formatBlock(chooseSubnet([block('172.17.42.0/24')], DEFAULT_POOLS)), '172.18.0.0/16');
  assert.equal(formatBlock(chooseSubnet([block('172.16.0.0/13')], DEFAULT_POOLS)), '172.24.0.0/16');
  assert.equal(formatBlock(chooseSubnet([block('172.16.0.0/12')], DEFAULT_POOLS)), '192.168.0.0/20');
  assert.equal(
    formatBlock(chooseSubnet([block('172.16.0.0/12'), block('192.168.1.0/24')], DEFAULT_POOLS)),
    '192.168.16.0/20',
  );
});

test('pools of one’s own', () => {
  const pools = [parseAddressPool('base=10.9.0.0/23,size=24'), parseAddressPool('base=10.10.1.2/16,size=26')];
  assert.deepEqual(pools, [
    { base: '10.9.0.0/23', size: 24 },
    { base: '10.10.0.0/16', size: 26 },
  ]);
  assert.equal(formatBlock(chooseSubnet([block('10.9.0.0/24')], pools)), '10.9.1.0/24');
  assert.equal(formatBlock(chooseSubnet([block('10.9.0.0/23')], pools)), '10.10.0.0/26');
  for (const text of [
    '',
    '10.0.0.0/8',
    'base=10.0.0.0/16,size=8',
    'base=10.0.0.0/16,size=31',
    'base=fd00::/8,size=64',
  ]) {
    assert.throws(
      () => parseAddressPool(text),
      (error) => isEngineError(error, 'invalid'),
    );
  }
});

test('no free pool is an error that says what to do', () => {
  assert.throws(
    () => chooseSubnet([block('172.16.0.0/12'), block('192.168.0.0/16')], DEFAULT_POOLS),
    (error) => isEngineError(error, 'unavailable') && /--bip/.test(error.hint ?? ''),
  );
});

test('addresses come in order, never the network, broadcast or gateway address', () => {
  const allocator = new AddressAllocator(block('10.0.0.0/29'), block('10.0.0.0/29'), [number('10.0.0.1')]);
  const got = Array.from({ length: 5 }, () => formatIpv4(allocator.allocate()));
  assert.deepEqual(got, ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  assert.throws(() => allocator.allocate(), /no available IPv4 addresses/);
});

test('an address that was given back rests until the others have had their turn', () => {
  const allocator = new AddressAllocator(block('10.0.0.0/29'), block('10.0.0.0/29'), [number('10.0.0.1')]);
  const first = allocator.allocate();
  allocator.release(first);
  const rest = Array.from({ length: 4 }, () => allocator.allocate());
  assert.ok(!rest.includes(first));
  assert.equal(allocator.allocate(), first);
});

test('a reserved address is not handed out, and not reserved twice', () => {
  const allocator = new AddressAllocator(block('10.0.0.0/24'), block('10.0.0.128/25'), []);
  allocator.reserve(number('10.0.0.129'));
  assert.throws(() => allocator.reserve(number('10.0.0.129')), /Address already in use/);
  assert.throws(() => allocator.reserve(number('10.1.0.1')), /not in the subnet/);
  assert.equal(formatIpv4(allocator.allocate()), '10.0.0.128');
  assert.equal(formatIpv4(allocator.allocate()), '10.0.0.130');
});

test('whatever the order of taking and giving back, no address has two owners', () => {
  const steps = fc.array(fc.oneof(fc.constant('take'), fc.nat()), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 24, max: 30 }), steps, (prefix, actions) => {
      const subnet = block(`10.9.8.0/${prefix}`);
      const allocator = new AddressAllocator(subnet, subnet, []);
      const owned: number[] = [];
      for (const action of actions) {
        if (action === 'take') {
          if (owned.length < 2 ** (32 - prefix) - 2) owned.push(allocator.allocate());
        } else if (owned.length > 0) {
          allocator.release(owned.splice(action % owned.length, 1)[0]!);
        }
        assert.equal(new Set(owned).size, owned.length);
        assert.ok(owned.every((address) => blockContains(subnet, address)));
      }
    }),
  );
});
