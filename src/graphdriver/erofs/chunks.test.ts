import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, lstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeTarHeader, TAR_END, tarPadding } from '#archive/tar-writer.ts';
import { LayerBench } from '#test/support/erofs.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('sparse and huge files in a layer', () => {
  let bench: LayerBench;
  before(() => {
    bench = new LayerBench();
  });
  after(() => bench.close());

  const sh = (script: string) =>
    execFileSync('bash', ['-euc', script], { cwd: bench.folder, stdio: ['ignore', 'pipe', 'pipe'] });

  test('sparse files of every kind read the same as extracted ones', async () => {
    sh(`mkdir sparse; cd sparse
        truncate -s 1M hole; truncate -s 3000000 tail; printf start | dd of=tail conv=notrunc status=none
        for i in 0 3 4 9; do printf "piece $i" | dd of=pieces bs=4096 seek=$((i * 16)) conv=notrunc status=none; done
        truncate -s 700001 pieces; truncate -s 300M big; printf end | dd of=big bs=1M seek=290 conv=notrunc status=none`);
    for (const options of ['--format=gnu', ...['0.0', '0.1', '1.0'].map((version) => `--format=posix --sparse-version=${version}`)]) {
      const layer = bench.index((path) => sh(`tar --sparse ${options} -cf ${path} sparse`));
      bench.fsck(layer);
      await bench.mounted(layer, (path) => {
        for (const name of ['hole', 'tail', 'pieces']) {
          const [expected, actual] = [join(bench.folder, 'sparse', name), join(path, 'sparse', name)].map((it) => sha256(readFileSync(it)));
          assert.equal(actual, expected, `${name} ${options}`);
        }
        const big = openSync(join(path, 'sparse/big'), 'r');
        const end = Buffer.alloc(3);
        readSync(big, end, 0, 3, 290 * 2 ** 20);
        closeSync(big);
        assert.equal(end.toString(), 'end');
        assert.equal(lstatSync(join(path, 'sparse/big')).size, 300 * 2 ** 20);
      });
    } // biome-ignore format: scripts
  });

  test('pieces of a sparse file that are off the grid of blocks are copied into the index', async () => {
    const pieces: [offset: number, length: number][] = [[0, 5], [700, 1], [4000, 600], [8192, 5000], [20_000, 4096], [1_000_003, 10_000]]; // biome-ignore format: a table
    const size = 2_000_001;
    const data = pieces.map(([, length], n) => Buffer.alloc(length, `${n}-piece `));
    const expected = Buffer.alloc(size);
    for (const [n, [offset]] of pieces.entries()) data[n]!.copy(expected, offset);
    const layer = bench.index(makeSparseTar('odd', size, pieces, Buffer.concat(data)));
    bench.fsck(layer);
    await bench.mounted(layer, (path) => assert.equal(sha256(readFileSync(join(path, 'odd'))), sha256(expected)));
  });

  test('a file too large for its smallest pieces gets a coarser map; a hostile one is refused', async () => {
    const size = 2 ** 40;
    const pieces: [number, number][] = [[512, 512], [2 ** 39, 512]]; // biome-ignore format: a table
    const layer = bench.index(makeSparseTar('coarse', size, pieces, Buffer.alloc(1024, 'z')));
    assert.ok(layer.image.length < 16 << 20);
    await bench.mounted(layer, (path) => {
      const coarse = openSync(join(path, 'coarse'), 'r');
      const bytes = Buffer.alloc(1536);
      readSync(coarse, bytes, 0, 1536, 2 ** 39 - 512);
      closeSync(coarse);
      assert.equal(bytes.toString(), `${'\0'.repeat(512)}${'z'.repeat(512)}${'\0'.repeat(512)}`);
    });
    const scattered = Array.from({ length: 5000 }, (_, n): [number, number] => [n * 2 ** 38 + 1, 1]);
    assert.throws(
      () => bench.index(makeSparseTar('bomb', 2 ** 52, scattered, Buffer.alloc(5000))),
      /too small and too scattered|too many pieces|too large/,
    );
  });

  test('a file beyond the largest chunk of 1 TiB is mapped in several', async () => {
    const size = 1.5 * 2 ** 40;
    const layer = bench.index((path) => {
      const out = openSync(path, 'w');
      const header = encodeTarHeader({ type: 'file', name: 'huge', size });
      writeSync(out, header);
      writeSync(out, Buffer.from('end'), 0, 3, header.length + size - 3);
      ftruncateSync(out, header.length + size);
      closeSync(out);
    });
    await bench.mounted(layer, (path) => {
      const huge = openSync(join(path, 'huge'), 'r');
      const bytes = Buffer.alloc(4);
      readSync(huge, bytes, 0, 4, size - 4);
      closeSync(huge);
      assert.equal(bytes.toString(), '\0end');
    });
  });
});

/** A tar of one sparse file in the PAX 0.1 form, whose pieces may lie anywhere. */
function makeSparseTar(name: string, size: number, pieces: [number, number][], data: Buffer): Buffer {
  const records = [
    ['GNU.sparse.name', name],
    ['GNU.sparse.size', `${size}`],
    ['GNU.sparse.map', pieces.flat().join(',')],
  ].map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
    return `${length}${rest}`;
  });
  const pax = Buffer.from(records.join(''));
  const header = encodeTarHeader({ type: 'file', name: 'pax', size: pax.length });
  header[156] = 'x'.charCodeAt(0);
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  const own = encodeTarHeader({ type: 'file', name: 'sparse', size: data.length });
  return Buffer.concat([header, pax, tarPadding(pax.length), own, data, tarPadding(data.length), TAR_END]);
}
