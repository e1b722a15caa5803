import assert from 'node:assert/strict';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { isEngineError } from '#errors/errors.ts';
import { type IndexedLayer, LayerBench } from '#test/support/erofs.ts';
import { type ContractEntry, makeLayer } from '../contract-tree.ts';

/** Reads every inode, link and the first megabyte of every file through the kernel; gives the number of inodes. */
function walkAll(root: string): number {
  const inodes = new Set<number>();
  const buffer = Buffer.alloc(1 << 20);
  const todo = [Buffer.from(root)];
  for (let path = todo.pop(); path; path = todo.pop()) {
    const stats = lstatSync(path);
    inodes.add(stats.ino);
    if (stats.isDirectory()) {
      const names = readdirSync(path, { encoding: 'latin1' });
      assert.equal(new Set(names).size, names.length);
      for (const name of names) todo.push(Buffer.concat([path, Buffer.from(`/${name}`, 'latin1')]));
    } else if (stats.isSymbolicLink()) assert.equal(readlinkSync(path, { encoding: 'latin1' }).length, stats.size);
    else if (stats.isFile()) {
      const file = openSync(path, 'r');
      assert.equal(readSync(file, buffer, 0, buffer.length, 0), Math.min(buffer.length, stats.size));
      closeSync(file);
    }
  }
  return inodes.size;
}

const sample = makeLayer([
  { type: 'directory', name: 'dir', mode: 0o1777 },
  {
    type: 'file',
    name: 'dir/file',
    body: 'content '.repeat(300),
    mtime: -5,
    mtimeNs: 7,
    xattrs: new Map([['user.a', Buffer.from('b')]]),
  },
  { type: 'link', name: 'dir/hard', linkName: 'dir/file' },
  { type: 'symlink', name: 'link', linkName: 'dir' },
  { type: 'file', name: `link/${'long'.repeat(50)}`, body: 'x' },
  { type: 'file', name: '.wh.gone' },
  { type: 'file', name: 'implied/.wh..wh..opq' },
  { type: 'character', name: 'null', deviceMajor: 1, deviceMinor: 3 },
]);

function fixSum(tar: Buffer, block: number): void {
  const header = tar.subarray(block, block + 512);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

const component = fc.constantFrom('a', 'b', 'c', '..', '.', '.wh.a', '.wh.b', '.wh..wh..opq', 'é', 'x'.repeat(255));
const path = fc.array(component, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const anyEntry: fc.Arbitrary<ContractEntry> = fc.record({
  type: fc.constantFrom('file', 'file', 'directory', 'directory', 'symlink', 'link', 'fifo', 'character'),
  name: path,
  linkName: path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 2 ** 33 }),
  mtime: fc.integer({ min: -(2 ** 33), max: 2 ** 40 }),
  body: fc.nat(3000).map((size) => Buffer.alloc(size, 'body')),
  xattrs: fc.constantFrom(undefined, new Map([['user.k', Buffer.alloc(700, 'v')]])),
}).map((entry) => (entry.type === 'file' ? entry : { ...entry, body: '' }) as ContractEntry); // biome-ignore format: a table

describe('whatever the tar', () => {
  let bench: LayerBench;
  before(() => {
    bench = new LayerBench();
  });
  after(() => bench.close());

  /** Either a clear refusal, or an index that the kernel mounts and that can be walked to the last inode. */
  async function check(tar: Buffer): Promise<void> {
    let layer: IndexedLayer;
    try {
      layer = bench.index(tar);
    } catch (error) {
      assert.ok(isEngineError(error, 'invalid'), String((error as Error).stack));
      assert.match(error.message, /at offset \d+/);
      return;
    }
    await bench.mounted(layer, (root) => assert.equal(walkAll(root), layer.stat.entries));
  }

  test('mutated layers are refused clearly or mounted', async () => {
    const mutation = fc.oneof(
      fc.record({ kind: fc.constant('byte' as const), at: fc.nat(sample.length - 1), value: fc.nat(255) }),
      fc.record({ kind: fc.constant('copy' as const), at: fc.nat(sample.length / 512 - 1), value: fc.nat(sample.length / 512 - 1) }),
    ); // biome-ignore format: a table
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        const tar = Buffer.from(sample);
        for (const { kind, at, value } of mutations) {
          if (kind === 'copy') sample.copy(tar, at * 512, value * 512, value * 512 + 512);
          else {
            tar[at] = value;
            fixSum(tar, at - (at % 512));
          }
        }
        await check(tar);
      }),
      { numRuns: 150 },
    );
  });

  test('any sequence of entries is refused clearly or mounted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyEntry, { maxLength: 12 }), (entries) => check(makeLayer(entries))),
      { numRuns: 200 },
    );
  });
});
