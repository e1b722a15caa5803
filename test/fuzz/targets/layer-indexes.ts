import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import fc from 'fast-check';
import { isEngineError } from '#errors/errors.ts';
import { anyLayer, damagedLayer } from '#test/support/any-layer.ts';
import { type IndexedLayer, LayerBench } from '#test/support/erofs.ts';
import { fuzzTarget, oneFile } from '../target.ts';

/** Layers: refused clearly, or indexed so that the kernel can walk to the last inode and erofs-utils find no fault. */
export const layerIndexes = fuzzTarget<Buffer>({
  name: 'layer-indexes',
  quick: 120,
  async open() {
    const bench = new LayerBench();
    return {
      input: fc.oneof(anyLayer, damagedLayer),
      async check(tar) {
        const layer = indexOrRefuse(bench, tar);
        if (!layer) return;
        await bench.mounted(layer, (root) => assert.equal(walkAll(root), layer.stat.entries));
        bench.fsck(layer);
        const dump = execFileSync('dump.erofs', [`--device=${layer.tarPath}`, layer.indexPath], { encoding: 'utf8' });
        assert.equal(Number(/inode count: +(\d+)/.exec(dump)?.[1]), layer.stat.entries);
        bench.forget(layer);
      },
      files: oneFile,
      close: async () => bench.close(),
    };
  },
});

function indexOrRefuse(bench: LayerBench, tar: Buffer): IndexedLayer | undefined {
  try {
    return bench.index(tar);
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
    assert.match(error.message, /at offset \d+/);
    return undefined;
  }
}

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
    } else if (stats.isSymbolicLink()) {
      assert.equal(readlinkSync(path, { encoding: 'latin1' }).length, stats.size);
    } else if (stats.isFile()) {
      const file = openSync(path, 'r');
      assert.equal(readSync(file, buffer, 0, buffer.length, 0), Math.min(buffer.length, stats.size));
      closeSync(file);
    }
  }
  return inodes.size;
}
