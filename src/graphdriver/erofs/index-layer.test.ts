import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { isEngineError } from '#errors/errors.ts';
import { LayerBench } from '#test/support/erofs.ts';
import { type ContractEntry, makeLayer, treeFacts } from '../contract-tree.ts';
import { WRITER_VERSION } from './image.ts';
import { run as indexLayer } from './index-layer.ts';

const file = (name: string, body: Buffer | string = '', more: Partial<ContractEntry> = {}): ContractEntry => ({ type: 'file', name, body, ...more }); // biome-ignore format: one line
const directory = (name: string, more: Partial<ContractEntry> = {}): ContractEntry => ({
  type: 'directory',
  name,
  ...more,
});
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('the index of a layer', () => {
  let bench: LayerBench;
  before(() => {
    bench = new LayerBench();
  });
  after(() => bench.close());

  const refused = (entries: ContractEntry[], message: RegExp) =>
    assert.throws(
      () => bench.index(makeLayer(entries)),
      (error: Error) => {
        assert.ok(isEngineError(error, 'invalid'), String(error));
        assert.match(error.message, message);
        return true;
      },
    );

  test('the superblock says what it must', () => {
    const layer = bench.index(makeLayer([file('a', 'x')]));
    const at = 1024;
    const { image } = layer;
    assert.equal(image.readUInt32LE(at), 0xe0f5e1e2);
    assert.equal(image[at + 12], 9, 'blocks of 512 bytes');
    assert.equal(image.readUInt32LE(at + 80), 0xc, 'chunked files and a device table');
    assert.equal(image.readUInt16LE(at + 86), 1, 'one extra device');
    const slot = image.readUInt16LE(at + 88) * 128;
    assert.equal(image.toString('latin1', slot, slot + 64), layer.diffId.slice(7));
    assert.equal(image.readUInt32LE(slot + 64) * 512, statSync(layer.tarPath).size);
    assert.equal(image.readUInt32LE(at + 36) * 512, image.length);
    const uuid = createHash('sha256').update(`${layer.diffId} ${WRITER_VERSION}`).digest().subarray(0, 16);
    assert.ok(image.subarray(at + 48, at + 64).equals(uuid));
    const dump = execFileSync('dump.erofs', [`--device=${layer.tarPath}`, layer.indexPath], { encoding: 'utf8' });
    assert.match(dump, /inode count: +2\n/);
    bench.fsck(layer);
  });

  test('the kernel refuses an index whose superblock was damaged', async () => {
    const layer = bench.index(makeLayer([file('a', 'x')]));
    await bench.mounted(layer, (path) => readdirSync(path));
    const damaged = Buffer.from(layer.image);
    damaged[1024 + 64]! ^= 1;
    const indexPath = join(bench.folder, 'damaged.erofs');
    writeFileSync(indexPath, damaged);
    await assert.rejects(bench.mounted({ ...layer, indexPath }, () => undefined));
  });

  test('the same tar gives the same index, wherever it lies', () => {
    const tar = makeLayer([directory('d'), file('d/a', 'x'), file('.wh.b')]);
    const [one, two] = [bench.index(tar), bench.index(tar)];
    assert.ok(one.image.subarray(1024).equals(two.image.subarray(1024)));
  });

  test('files of every size around the edges of blocks and pages come out whole', async () => {
    const sizes = [
      0,
      1,
      511,
      512,
      513,
      1023,
      1024,
      1025,
      4095,
      4096,
      4097,
      65_535,
      65_536,
      65_537,
      1 << 20,
      (1 << 20) + 3,
    ];
    const bodies = sizes.map((size, seed) => Buffer.alloc(size, createHash('sha256').update(`${seed}`).digest()));
    const layer = bench.index(makeLayer(bodies.map((body, n) => file(`f${n}`, body))));
    assert.deepEqual(layer.stat, { size: sizes.reduce((sum, size) => sum + size, 0), entries: sizes.length + 1 });
    bench.fsck(layer);
    await bench.mounted(layer, (path) => {
      for (const [n, body] of bodies.entries())
        assert.equal(sha256(readFileSync(join(path, `f${n}`))), sha256(body), `f${n}`);
    });
  });

  test('directories of every size are listed and searched', async () => {
    for (const [count, nameLength] of [[1, 1], [8, 255], [20, 20], [37, 1], [500, 30]] as const) {
      const names = Array.from({ length: count }, (_, n) => `${n}`.padEnd(nameLength, '-').slice(0, 255)); // biome-ignore format: one line
      const odd = ['!', '-', '..a', '~', '\xff', 'a\xe9'];
      const layer = bench.index(makeLayer([...names, ...odd].map((name) => file(`d/${name}`, name))));
      bench.fsck(layer);
      await bench.mounted(layer, (path) => {
        const listed = readdirSync(join(path, 'd'), { encoding: 'latin1' });
        assert.deepEqual(listed, [...names, ...odd].sort((a, b) => (a < b ? -1 : 1)));
        for (const name of names) assert.equal(readFileSync(join(path, 'd', name), 'latin1'), name);
        assert.throws(() => statSync(join(path, 'd', 'missing')), { code: 'ENOENT' });
      });
    } // biome-ignore format: a table
  });

  test('a directory of 100,000 files', async () => {
    const count = 100_000;
    const layer = bench.index((path) => {
      const out = openSync(path, 'w');
      for (let n = 0; n < count; n++) writeSync(out, encodeTarHeader({ type: 'file', name: `d/file-${n}` }));
      writeSync(out, TAR_END);
      closeSync(out);
    });
    await bench.mounted(layer, (path) => {
      assert.equal(readdirSync(join(path, 'd')).length, count);
      for (let n = 0; n < count; n += 997) assert.equal(lstatSync(join(path, 'd', `file-${n}`)).size, 0);
    });
  });

  test('70,000 hard links are one inode with that many links', async () => {
    const links = 70_000;
    const layer = bench.index((path) => {
      const out = openSync(path, 'w');
      writeSync(
        out,
        Buffer.concat([encodeTarHeader({ type: 'file', name: 'a', size: 1 }), Buffer.from('x'), tarPadding(1)]),
      );
      for (let n = 1; n < links; n++) writeSync(out, encodeTarHeader({ type: 'link', name: `d/${n}`, linkName: 'a' }));
      writeSync(out, TAR_END);
      closeSync(out);
    });
    assert.deepEqual(layer.stat, { size: 1, entries: 3 });
    await bench.mounted(layer, (path) => {
      assert.equal(lstatSync(join(path, 'a')).nlink, links);
      assert.equal(lstatSync(join(path, 'd/69999')).ino, lstatSync(join(path, 'a')).ino);
    });
  });

  test('links of directories are counted: the name, `.`, and the `..` of each directory in it', async () => {
    const layer = bench.index(makeLayer([directory('a'), directory('a/b'), directory('a/c'), file('a/f')]));
    await bench.mounted(layer, (path) => {
      assert.deepEqual(['', 'a', 'a/b'].map((name) => lstatSync(join(path, name)).nlink), [3, 4, 2]); // biome-ignore format: one line
    });
  });

  test('a tree of 1,500 levels, reached in steps by links', async () => {
    const deep = (levels: number) => 'd/'.repeat(levels).slice(0, -1);
    const layer = bench.index(
      makeLayer([
        directory(deep(750)),
        { type: 'symlink', name: 'half', linkName: deep(750) },
        file(`half/${deep(750)}/bottom`, 'reached'),
      ]),
    );
    bench.fsck(layer);
    await bench.mounted(layer, (path) => {
      const text = execFileSync('sh', ['-c', `cd ${path}/${deep(750)} && cat ${deep(750)}/bottom`], {
        encoding: 'utf8',
      });
      assert.equal(text, 'reached');
    });
  });

  test('symbolic links of every length', async () => {
    const lengths = [1, 100, 384, 447, 448, 449, 512, 1000, 4095];
    const links = lengths.map(
      (length): ContractEntry => ({ type: 'symlink', name: `l${length}`, linkName: 'x'.repeat(length) }),
    );
    const layer = bench.index(makeLayer(links));
    bench.fsck(layer);
    await bench.mounted(layer, (path) => {
      for (const length of lengths) assert.equal(readlinkSync(join(path, `l${length}`)).length, length);
    });
    refused([{ type: 'symlink', name: 'l', linkName: 'x'.repeat(4096) }], /longer than 4095 bytes/);
    refused([{ type: 'symlink', name: 'l', linkName: '' }], /without a target/);
  });

  test('times up to 2262 to the nanosecond; others become 1970, as dockerd has it', async () => {
    const last = 9_223_372_036;
    const times: [mtime: number, ns: number, kept: boolean][] = [
      [0, 1, true],
      [2 ** 31, 999_999_999, true],
      [2 ** 32 + 5, 1, true],
      [last, 854_775_807, true],
      [last, 854_775_808, false],
      [2 ** 40, 0, false],
      [-1, 999_999_999, false],
      [-(2 ** 33), 0, false],
    ];
    const layer = bench.index(makeLayer(times.map(([mtime, mtimeNs], n) => file(`f${n}`, '', { mtime, mtimeNs }))));
    await bench.mounted(layer, (path) => {
      for (const [n, [mtime, ns, kept]] of times.entries()) {
        const { mtimeNs } = lstatSync(join(path, `f${n}`), { bigint: true });
        assert.equal(mtimeNs, kept ? BigInt(mtime) * 1_000_000_000n + BigInt(ns) : 0n, `${mtime}.${ns}`);
      }
    });
  });

  test("a symlink's time is what dockerd makes of it: 64 bits of nanoseconds, on ext4", async () => {
    const times: [mtime: number, shown: bigint][] = [
      [-1, -1_000_000_000n],
      [-(2 ** 31), -(2n ** 31n) * 1_000_000_000n],
      [-(2 ** 31) - 1, -(2n ** 31n) * 1_000_000_000n],
      [2 ** 34, 2n ** 34n * 1_000_000_000n - 2n ** 64n],
    ];
    const links = times.map(([mtime], n) => ({ type: 'symlink', name: `s${n}`, linkName: 'x', mtime }) as const);
    const layer = bench.index(makeLayer(links));
    await bench.mounted(layer, (path) => {
      for (const [n, [, shown]] of times.entries()) {
        assert.equal(lstatSync(join(path, `s${n}`), { bigint: true }).mtimeNs, shown);
      }
    });
  });

  test('a layer of 2 TiB is refused', () => {
    assert.throws(
      () =>
        bench.index((path) => {
          const out = openSync(path, 'w');
          writeSync(out, TAR_END);
          ftruncateSync(out, 2 ** 41);
          closeSync(out);
        }),
      (error) => isEngineError(error, 'invalid') && error.code === 'LAYER_TOO_LARGE',
    );
  });

  test('extended attributes: kept, stripped, passed over and limited', async () => {
    const xattrs = (pairs: Record<string, string | Buffer>) =>
      new Map(Object.entries(pairs).map(([key, value]) => [key, Buffer.from(value as string)]));
    const large = Buffer.alloc(60_000, 'x');
    const layer = bench.index(
      makeLayer([
        file('kept', 'x', { xattrs: xattrs({ 'user.a': '1', 'user.empty': '', 'trusted.b': Buffer.from([0, 255]), 'security.c': '3', [`user.${'n'.repeat(250)}`]: 'long' }) }),
        directory('stripped', { xattrs: xattrs({ 'trusted.overlay.opaque': 'y', 'trusted.overlay.redirect': '/', 'user.overlay.opaque': 'y', 'user.fine': '1' }) }),
        { type: 'fifo', name: 'fifo', xattrs: xattrs({ 'user.a': '1', 'trusted.b': '2' }) },
        file('unknown', '', { xattrs: xattrs({ 'nonsense.a': '1', 'system.b': '2' }) }),
        directory('large', { xattrs: xattrs({ 'user.large': large }) }),
        file('large/file', 'x'),
      ]),
    ); // biome-ignore format: a table
    bench.fsck(layer);
    const facts = await bench.mounted(layer, treeFacts);
    const names = (path: string) => (JSON.parse(facts[path]!.xattrs!) as [string, string][]).map(([key]) => key);
    assert.deepEqual(names('/kept'), ['security.c', 'trusted.b', 'user.a', 'user.empty', `user.${'n'.repeat(250)}`]);
    assert.deepEqual(names('/stripped'), ['user.fine']);
    assert.deepEqual(names('/fifo'), ['trusted.b']);
    assert.deepEqual(names('/unknown'), []);
    assert.equal(facts['/large']!.xattrs, JSON.stringify([['user.large', large.toString('hex')]]));
    assert.equal(facts['/large/file']!.size, '1');
    refused([file('a', '', { xattrs: xattrs({ 'user.a': Buffer.alloc(65_536) }) })], /65536 bytes; the limit is 65535/);
    refused([file('a', '', { xattrs: xattrs({ [`user.${'n'.repeat(251)}`]: '1' }) })], /longer than 255 bytes/);
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`user.${n}`, large]));
    refused([file('a', '', { xattrs: xattrs(many) })], /extended attributes of \d+ bytes; the limit/);
  });

  test('whiteouts are character devices 0:0, whatever the entry was', async () => {
    const layer = bench.index(makeLayer([file('d/.wh.a', 'body', { mode: 0o777 }), directory('d/.wh.b'), { type: 'symlink', name: 'd/.wh.c', linkName: 'x' }])); // biome-ignore format: one line
    await bench.mounted(layer, (path) => {
      for (const name of ['a', 'b', 'c']) {
        const { mode, rdev } = lstatSync(join(path, 'd', name));
        assert.deepEqual([mode & 0o170000, rdev], [0o020000, 0]);
      }
    });
  });

  test('a tar whose last block is missing its padding reads to its last byte', async () => {
    const whole = makeLayer([file('last', 'the end')]);
    const layer = bench.index(whole.subarray(0, 512 + 7));
    await bench.mounted(layer, (path) => assert.equal(readFileSync(join(path, 'last'), 'utf8'), 'the end'));
  });

  test('a tar that is shorter than it should be, or not padded, is not indexed', () => {
    const { diffId, tarPath, indexPath } = bench.index(makeLayer([file('a', 'x')]));
    const job = { diffId, tarPath, path: `${indexPath}.other` };
    const size = statSync(tarPath).size;
    assert.throws(() => indexLayer({ ...job, size: size + 512 }), { code: 'TAR_CHANGED', kind: 'system' });
    truncateSync(tarPath, size - 1);
    assert.throws(() => indexLayer({ ...job, size: size - 1 }), { code: 'TAR_CHANGED', kind: 'system' });
    assert.equal(existsSync(job.path), false);
  });
});
