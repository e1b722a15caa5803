import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import {
  blockContains,
  blocksOverlap,
  formatBlock,
  formatIp,
  formatIpv4,
  ipv4Block,
  lastIpv4,
  parseIp,
  parseIpv4,
  parseIpv4Cidr,
} from './ip.ts';

test('addresses have their canonical text', () => {
  const canonical = (text: string) => formatIp(parseIp(text)!);
  assert.equal(canonical('172.17.0.1'), '172.17.0.1');
  assert.equal(canonical('0:0:0:0:0:0:0:1'), '::1');
  assert.equal(canonical('::'), '::');
  assert.equal(canonical('2001:DB8:0:0:1:0:0:1'), '2001:db8::1:0:0:1');
  assert.equal(canonical('1:0:2:3:4:5:6:7'), '1:0:2:3:4:5:6:7');
  assert.equal(canonical('::ffff:10.0.0.1'), '::ffff:a00:1');
  assert.equal(canonical('fe80::'), 'fe80::');
});

test('what is no address is refused', () => {
  for (const text of [
    '',
    '1',
    '1.2.3',
    '256.1.1.1',
    '1.2.3.4.5',
    '1.2.3.04',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    ':1',
    '1:2:3:4:5:6:7:8::',
    'fe80::1%eth0',
    '12345::',
    '::1.2.3',
  ]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test('parsing agrees with node on any text and undoes formatting', () => {
  const texts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom(...'0123456789abf:.') }));
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = parseIp(text);
      assert.equal(bytes === undefined ? 0 : bytes.length === 4 ? 4 : 6, isIP(text));
      if (bytes) assert.deepEqual(parseIp(formatIp(bytes)), bytes);
    }),
  );
});

test('IPv4 blocks', () => {
  const { address, block } = parseIpv4Cidr('172.17.5.1/16')!;
  assert.equal(formatIpv4(address), '172.17.5.1');
  assert.equal(formatBlock(block), '172.17.0.0/16');
  assert.equal(formatIpv4(lastIpv4(block)), '172.17.255.255');
  assert.ok(blockContains(block, parseIpv4('172.17.255.255')!));
  assert.ok(!blockContains(block, parseIpv4('172.18.0.0')!));
  assert.ok(blocksOverlap(block, ipv4Block(parseIpv4('172.16.0.0')!, 12)));
  assert.ok(blocksOverlap(ipv4Block(0, 0), block));
  assert.ok(!blocksOverlap(block, ipv4Block(parseIpv4('172.18.0.0')!, 16)));
  assert.equal(formatBlock(ipv4Block(parseIpv4('255.255.255.255')!, 32)), '255.255.255.255/32');
  for (const text of ['172.17.0.0', '172.17.0.0/33', '172.17.0/16', '/16'])
    assert.equal(parseIpv4Cidr(text), undefined);
});
