import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';

const NLM_F_ACK = 4;
const NLM_F_CREATE_EXCL = 0x600;
const RTM_NEWLINK = 16;
const IFLA_NET_NS_FD = 28;

/** One netlink message: a header, a body, and attributes as [type, value] with nested lists. */
type Attribute = [type: number, value: string | number | Buffer | Attribute[]];

function encodeAttributes(attributes: Attribute[]): Buffer {
  return Buffer.concat(
    attributes.map(([type, value]) => {
      const data = encodeValue(value);
      const buffer = Buffer.alloc((4 + data.length + 3) & ~3);
      buffer.writeUInt16LE(4 + data.length, 0);
      buffer.writeUInt16LE(type, 2);
      data.copy(buffer, 4);
      return buffer;
    }),
  );
}

function encodeValue(value: Attribute[1]): Buffer {
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  if (typeof value === 'number') return Buffer.from(Uint32Array.of(value).buffer);
  return Buffer.isBuffer(value) ? value : encodeAttributes(value);
}

function linkMessage(sequence: number, flags: number, attributes: Attribute[]): Buffer {
  const body = Buffer.concat([Buffer.alloc(16), encodeAttributes(attributes)]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(RTM_NEWLINK, 4);
  header.writeUInt16LE(1 | flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body]);
}

const addVeth = (name: string, peer: string) =>
  linkMessage(7, NLM_F_ACK | NLM_F_CREATE_EXCL, [
    [3, name],
    [18, [[1, 'veth'], [2, [[1, Buffer.concat([Buffer.alloc(16), encodeAttributes([[3, peer], [IFLA_NET_NS_FD, 0]])])]]]]], // biome-ignore format: the nesting shows
  ]);

describe('network namespaces through the launcher', () => {
  const host = `wherry-test-${process.pid}`;
  let home: string;
  let server: TestLauncher;
  const links = (netns: string) =>
    execFileSync('nsenter', [`--net=${netns}`, 'ip', '-o', 'link'], { encoding: 'utf8' });

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'wherry-netns-'));
    execFileSync('ip', ['netns', 'add', host]);
    server = await startLauncher({ netns: host });
  });
  after(async () => {
    await server.close();
    execFileSync('ip', ['netns', 'del', host]);
    rmSync(home, { recursive: true });
  });

  test('a new namespace has lo up and nothing else; deleted it is gone, twice as well', async () => {
    const path = join(home, 'new');
    await server.launcher.createNetns(path);
    assert.match(links(path), /^1: lo: <LOOPBACK,UP,LOWER_UP>[^\n]*\n$/);
    await assert.rejects(server.launcher.createNetns(path), { code: 'EEXIST' });
    await server.launcher.deleteNetns(path);
    assert.equal(existsSync(path), false);
    await server.launcher.deleteNetns(path);
  });

  test('netlink makes a veth between the engine and a new namespace', async () => {
    const path = join(home, 'veth');
    await server.launcher.createNetns(path);
    const messages = addVeth('host0', 'eth0');
    const offset = messages.lastIndexOf(Buffer.from([8, 0, IFLA_NET_NS_FD, 0])) + 4;
    const reply = await server.launcher.netlink({ protocol: 0, messages, namespaceFd: { path, offset } });
    assert.equal(reply.readUInt16LE(4), 2, 'an acknowledgement');
    assert.equal(reply.readUInt32LE(8), 7, 'of our message');
    assert.equal(reply.readInt32LE(16), 0, 'without an error');
    assert.match(links(path), /eth0@/);
    assert.match(links(`/run/netns/${host}`), /host0@/);
    const again = await server.launcher.netlink({ netns: path, protocol: 0, messages: linkMessage(9, NLM_F_ACK, [[3, 'none']]) }); // biome-ignore format: one line
    assert.equal(again.readInt32LE(16), -19, 'ENODEV of the kernel is for the caller to read');
    await server.launcher.deleteNetns(path);
  });

  test('netlink messages that nothing answers are refused', async () => {
    const launcher = server.launcher;
    await assert.rejects(launcher.netlink({ protocol: 0, messages: Buffer.alloc(3) }), { code: 'EINVAL' });
    await assert.rejects(launcher.netlink({ protocol: 0, messages: Buffer.alloc(0) }), { code: 'ENODATA' });
    const messages = linkMessage(1, NLM_F_ACK, []);
    const namespaceFd = { path: '/proc/self/ns/net', offset: messages.length - 3 };
    await assert.rejects(launcher.netlink({ protocol: 0, messages, namespaceFd }), { code: 'EBADMSG' });
    await assert.rejects(launcher.netlink({ netns: join(home, 'none'), protocol: 0, messages }), { code: 'ENOENT' });
  });

  test('nft runs a transaction where it is told to, and says what it did not understand', async () => {
    const path = join(home, 'nft');
    await server.launcher.createNetns(path);
    await server.launcher.nft('add table inet here; add chain inet here c');
    await server.launcher.nft('add table inet there', { netns: path });
    assert.match(await server.launcher.nft('list tables'), /^table inet here\n$/);
    assert.match(await server.launcher.nft('list tables', { netns: path }), /^table inet there\n$/);
    const listed = JSON.parse(await server.launcher.nft('list chains', { json: true }));
    assert.ok(listed.nftables.some((entry: { chain?: { name: string } }) => entry.chain?.name === 'c'));
    const ports = Array.from({ length: 9_000 }, (_, port) => port + 1);
    await server.launcher.nft(`add set inet here s { type inet_service; elements = { ${ports.join(', ')} } }`);
    const listing = JSON.parse(await server.launcher.nft('list set inet here s', { json: true })).nftables;
    assert.deepEqual(listing.find(({ set }: { set?: object }) => set).set.elem, ports);
    await assert.rejects(server.launcher.nft('add tabel inet x'), (error: Error) => {
      assert.match(error.message, /nft in the engine's network namespace failed: Error: syntax error.*\n.*tabel/);
      return true;
    });
    await assert.rejects(server.launcher.nft('add table inet z; list table inet absent'), { code: 'ENOENT' });
    await server.launcher.deleteNetns(path);
  });

  test('a program runs in a namespace and the launcher stays in its own', async () => {
    const path = join(home, 'run');
    await server.launcher.createNetns(path);
    const inside = await server.launcher.run({ argv: ['readlink', '/proc/self/ns/net'], netns: path });
    const outside = await server.launcher.run({ argv: ['readlink', '/proc/self/ns/net'] });
    const own = execFileSync('nsenter', [`--net=/run/netns/${host}`, 'readlink', '/proc/self/ns/net']);
    assert.deepEqual(outside.stdout, own);
    assert.notDeepEqual(inside.stdout, own);
    await server.launcher.deleteNetns(path);
  });
});
