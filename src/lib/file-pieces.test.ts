import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { filePieces } from './file-pieces.ts';

test('a file comes in pieces whose memory is used again, up to the size asked for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-pieces-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  const content = randomBytes((3 << 20) + 1000);
  await writeFile(path, content);
  for (const size of [0, 1, 1000, 256 << 10, (256 << 10) + 1, 2 << 20, content.length, content.length + 5]) {
    const memory = new Set<ArrayBufferLike>();
    const copies: Buffer[] = [];
    for await (const piece of filePieces(path, size)) {
      copies.push(Buffer.from(piece));
      if (piece.length >= 64 << 10) memory.add(piece.buffer);
    }
    assert.ok(Buffer.concat(copies).equals(content.subarray(0, size)), String(size));
    assert.ok(memory.size <= 2);
  }
  await assert.rejects(filePieces(join(folder, 'missing'), 1).next(), /ENOENT/);
  const half = filePieces(path, content.length);
  await half.next();
  await half.return();
});
