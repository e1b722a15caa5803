import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import {
  attribute,
  decodeReplies,
  encodeMessages,
  type NetlinkMessage,
  readAttributes,
  sendNetlink,
} from './netlink.ts';
import { addAddress, readAddresses, readRoutes } from './netlink-address.ts';
import { createBridge, createVeth, readLinks, setLinkUp } from './netlink-link.ts';
import { getGeneration, readGeneration } from './netlink-nftables.ts';

const message: NetlinkMessage = { type: 16, body: Buffer.alloc(16), purpose: 'make a test' };

/** An NLMSG_ERROR as the kernel writes it with NETLINK_CAP_ACK: errno, the refused header, the kernel's words. */
function acknowledgement(sequence: number, errno: number, text?: string): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  body.writeUInt32LE(32, 4);
  const words = text === undefined ? Buffer.alloc(0) : attribute(1, text);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length + words.length, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(text === undefined ? 0x100 : 0x300, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body, words]);
}

test('messages are numbered, ask for an acknowledgement, and are padded', () => {
  const bytes = encodeMessages([message, { ...message, flags: 0x600, body: Buffer.alloc(5) }]);
  assert.equal(bytes.length, 32 + 24);
  const header = (at: number) => [
    bytes.readUInt32LE(at),
    bytes.readUInt16LE(at + 4),
    bytes.readUInt16LE(at + 6),
    bytes.readUInt32LE(at + 8),
  ];
  assert.deepEqual(header(0), [32, 16, 0x5, 1]);
  assert.deepEqual(header(32), [21, 16, 0x605, 2]);
});

test("the first refusal is an error that names the purpose, the errno and the kernel's words", () => {
  const messages = [message, { ...message, purpose: 'make another' }];
  assert.deepEqual(decodeReplies(Buffer.concat([acknowledgement(1, 0), acknowledgement(2, 0)]), messages), []);
  const refused = (errno: number, text?: string) => () =>
    decodeReplies(Buffer.concat([acknowledgement(1, 0), acknowledgement(2, errno, text)]), messages);
  assert.throws(
    refused(17),
    (error) =>
      isEngineError(error, 'system') && error.code === 'EEXIST' && error.message === 'cannot make another: EEXIST',
  );
  assert.throws(
    refused(22, 'Unknown device type'),
    /^EngineError: cannot make another: Unknown device type \(EINVAL\)$/,
  );
});

test('a refusal that was declared fine is none', () => {
  assert.deepEqual(decodeReplies(acknowledgement(1, 17), [{ ...message, accept: ['EEXIST'] }]), []);
});

test('attributes nest and are read back', () => {
  const bytes = Buffer.concat([
    attribute(3, 'lo'),
    attribute(4, 65536),
    attribute(18, [attribute(1, 'veth'), attribute(2, Buffer.of(7))]),
  ]);
  assert.equal(bytes.length % 4, 0);
  const found = readAttributes(bytes);
  assert.equal(found.get(3)!.toString(), 'lo\0');
  assert.equal(found.get(4)!.readUInt32LE(0), 65536);
  assert.deepEqual(
    [...readAttributes(found.get(18)!).values()].map((value) => [...value]),
    [[...Buffer.from('veth\0')], [7]],
  );
});

test('what iproute2 sends for a veth pair is in what we send', () => {
  const { message: veth, descriptorOffset } = createVeth({
    name: 'h6v0',
    mtu: 1500,
    master: 4,
    peer: { name: 'h6v1', mac: '02:42:ac:11:00:02' },
  });
  const bytes = encodeMessages([veth]);
  assert.ok(bytes.includes(Buffer.from('0900030068367630', 'hex')), 'IFLA_IFNAME of the near end');
  assert.ok(bytes.includes(Buffer.from('0900030068367631', 'hex')), 'IFLA_IFNAME of the far end');
  assert.equal(bytes.readUInt16LE(descriptorOffset - 2), 28, 'IFLA_NET_NS_FD before the descriptor');
  assert.equal(descriptorOffset, bytes.length - 4);
});

test('whatever bytes come back, reading ends and throws nothing but EngineErrors', () => {
  const types = fc.constantFrom(2, 3, 16, 20, 24, 0x0a0f);
  const framed = fc.tuple(types, fc.uint8Array({ maxLength: 80 })).map(([type, body]) => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt32LE(1, 8);
    return Buffer.concat([header, body, Buffer.alloc(-body.length & 3)]);
  });
  const replies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.array(framed, { maxLength: 4 }).map((parts) => Buffer.concat(parts)),
  );
  fc.assert(
    fc.property(replies, (bytes) => {
      try {
        const decoded = decodeReplies(bytes, [message]);
        readLinks(decoded);
        readAddresses(decoded);
        readRoutes(decoded);
        readGeneration(decoded);
      } catch (error) {
        assert.ok(isEngineError(error), String(error));
      }
    }),
  );
});

test('requests go to the launcher with their protocol and namespace', async () => {
  const requests: unknown[] = [];
  const launcher = {
    netlink: async (request: unknown) => {
      requests.push(request);
      return acknowledgement(1, 0);
    },
  };
  const messages = [setLinkUp('lo')];
  await sendNetlink(launcher, messages, { netns: '/run/netns/x' });
  await sendNetlink(launcher, [getGeneration()], { protocol: 12 });
  assert.deepEqual(requests, [
    { protocol: 0, netns: '/run/netns/x', messages: encodeMessages(messages) },
    { protocol: 12, messages: encodeMessages([getGeneration()]) },
  ]);
});

test('addresses must be addresses', () => {
  assert.throws(() => addAddress(1, 'x', 24), TypeError);
  assert.equal(createBridge('b', { mtu: 1500, mac: '02:42:00:00:00:01' }).purpose, 'create the bridge b');
});
