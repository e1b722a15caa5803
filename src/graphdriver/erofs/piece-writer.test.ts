import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PLACED, PieceWriter } from './piece-writer.ts';

/** [offset, length] of what is placed, in ascending order, and the file's size. */
const files: [what: string, places: [number, number][], size: number][] = [
  ['nothing but zeros, over several pieces', [], 3 * MAX_PLACED + 7],
  ['what ends with a piece', [[MAX_PLACED - 4, 4]], MAX_PLACED],
  ['what would cross the end of a piece', [[0, 8], [MAX_PLACED - 4, 8]], MAX_PLACED + 512],
  ['as much as may be placed, twice', [[100, MAX_PLACED], [MAX_PLACED + 100, MAX_PLACED]], 2 * MAX_PLACED + 612],
  ['a gap of several pieces', [[1, 1], [5 * MAX_PLACED + 3, 9]], 6 * MAX_PLACED],
  ['many small ones', Array.from({ length: 50_000 }, (_, at): [number, number] => [at * 100, 64]), 5_000_000],
]; // biome-ignore format: a table

test('a file is what was placed in it, and zeros between', async (t) => {
  for (const [what, places, size] of files) {
    await t.test(what, () => {
      const wanted = Buffer.alloc(size);
      const found: Buffer[] = [];
      let end = 0;
      const out = new PieceWriter((piece, position) => {
        assert.equal(position, end);
        found.push(Buffer.from(piece));
        end += piece.length;
      });
      for (const [index, [offset, length]] of places.entries()) {
        const byte = (index % 255) + 1;
        wanted.fill(byte, offset, offset + length);
        const at = out.place(offset, length);
        out.piece.fill(byte, at, at + length);
      }
      out.end(size);
      assert.ok(Buffer.concat(found).equals(wanted));
    });
  }
});
