import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarParser } from './tar-parser.ts';
import { readTar } from './tar-stream.ts';
import { encodeTarHeader, TAR_END, type TarInput, tarPadding } from './tar-writer.ts';

function read(tar: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (entry) => entries.push(entry) });
  parser.push(tar);
  parser.end();
  return entries;
}

const bytes = (options: fc.ArrayConstraints) => fc.array(fc.integer({ min: 1, max: 255 }), options).map((list) => String.fromCharCode(...list)); // biome-ignore format: one line

const anyEntry: fc.Arbitrary<TarInput> = fc.record({
  type: fc.constantFrom('file' as const, 'symlink' as const, 'link' as const, 'character' as const, 'fifo' as const),
  name: bytes({ minLength: 1, maxLength: 300 }),
  linkName: bytes({ minLength: 1, maxLength: 300 }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0xffffffff }),
  gid: fc.integer({ min: 0, max: 0xffffffff }),
  userName: fc.stringMatching(/^[a-z]{0,40}$/),
  groupName: fc.stringMatching(/^[a-z]{0,40}$/),
  mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  mtimeNs: fc.integer({ min: 0, max: 999_999_999 }),
  deviceMajor: fc.integer({ min: 0, max: 4095 }),
  deviceMinor: fc.integer({ min: 0, max: 0o7777777 }),
  xattrs: fc
    .array(fc.tuple(fc.stringMatching(/^user\.[a-z]{1,20}$/), fc.uint8Array({ maxLength: 50 }).map((value) => Buffer.from(value))), { maxLength: 3 })
    .map((list) => new Map(list)), // biome-ignore format: one idea
});

test('every entry reads back as it was written, and is written the same each time', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const header = encodeTarHeader(entry);
      assert.ok(header.equals(encodeTarHeader(entry)));
      const [back] = read(Buffer.concat([header, TAR_END]));
      const isLink = entry.type === 'link' || entry.type === 'symlink';
      const isDevice = entry.type === 'character';
      const { type, name, mode, uid, gid, userName, groupName, mtime, mtimeNs } = entry;
      const expected = {
        ...{ type, name, mode, uid, gid, userName, groupName, mtime, mtimeNs },
        linkName: isLink ? entry.linkName : '',
        deviceMajor: isDevice ? entry.deviceMajor : 0,
        deviceMinor: isDevice ? entry.deviceMinor : 0,
      };
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(back![key as keyof TarEntry], value, key);
      assert.deepEqual(new Map(back!.xattrs), entry.xattrs);
    }),
    { numRuns: 500 },
  );
});

test('a size beyond 8 GiB is written, and GNU tar reads what we write', () => {
  const size = 9 * 2 ** 30;
  assert.equal(new TarParser({ entry: (entry) => assert.equal(entry.size, size) }).push(encodeTarHeader({ type: 'file', name: 'big', size })), undefined); // biome-ignore format: one line
  const tar = Buffer.concat([
    encodeTarHeader({ type: 'directory', name: 'd', mode: 0o1777 }),
    encodeTarHeader({ type: 'file', name: `d/${'n'.repeat(200)}`, size: 3, uid: 3_000_000, mtime: -10 }),
    Buffer.from('abc'),
    tarPadding(3),
    encodeTarHeader({ type: 'symlink', name: 's', linkName: 't'.repeat(150) }),
    TAR_END,
  ]);
  const listing = execFileSync('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', '-'], {
    input: tar,
    encoding: 'utf8',
  });
  assert.match(listing, /^drwxrwxrwt 0\/0 +0 1970-01-01 00:00:00 d\n/);
  assert.match(listing, /3000000\/0 +3 1969-12-31 23:59:50 d\/n{200}\n/);
  assert.match(listing, / s -> t{150}\n$/);
});

test('a stream gives each member with its body, read or not, however it is cut', async () => {
  const bodies = ['first', 'x'.repeat(2000), '', 'last'];
  const tar = Buffer.concat([
    ...bodies.flatMap((body, n) => [encodeTarHeader({ type: 'file', name: `f${n}`, size: body.length }), Buffer.from(body), tarPadding(body.length)]),
    TAR_END,
  ]); // biome-ignore format: one idea a line
  for (const step of [1, 7, 512, 700, 10_000]) {
    const source = (async function* () {
      for (let at = 0; at < tar.length; at += step) yield tar.subarray(at, at + step);
    })();
    const seen: string[] = [];
    for await (const { entry, body } of readTar(source)) {
      if (entry.name === 'f1') continue;
      let text = '';
      for await (const chunk of body) text += chunk.toString();
      seen.push(`${entry.name}=${text}`);
    }
    assert.deepEqual(seen, ['f0=first', 'f2=', 'f3=last']);
  }
  async function readCut(): Promise<void> {
    const source = (async function* () {
      yield tar.subarray(0, 1600);
    })();
    for await (const { body } of readTar(source)) for await (const chunk of body) assert.ok(chunk.length > 0);
  }
  await assert.rejects(readCut(), /"f1" at offset 1024.*missing/);
});
