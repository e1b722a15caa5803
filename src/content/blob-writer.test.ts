import assert from 'node:assert/strict';
import fs, { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

test('the file stays open for who looks on, also when the disk fails meanwhile', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-blob-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mock.method(fs, 'fsync', (_fd: number, done: (error: Error) => void) => done(new Error('EIO: i/o error, fsync')));
  syncBuiltinESMExports();
  t.after(() => {
    mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { BlobWriter } = await import('./blob-writer.ts');
  const seen: string[] = [];
  const writer = new BlobWriter(join(folder, 'blob'), {
    push: () => seen.push('push'),
    end: async (_blob, fd) => {
      await sleep(50);
      seen.push(`end of ${fs.fstatSync(fd).size} bytes`);
    },
    close: () => seen.push('close'),
  });
  writer.write(Buffer.from('content'));
  await assert.rejects(writer.finish(), /EIO/);
  assert.deepEqual(seen, ['push', 'end of 512 bytes', 'close']);
});
