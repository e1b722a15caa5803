import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { PAGE, PagedBytes } from './paged-bytes.ts';

describe('bytes of which only some pages are in memory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-pages-'));
  after(() => rmSync(folder, { recursive: true }));

  const externalBytes = () => process.memoryUsage().arrayBuffers;

  for (const [where, options] of [
    ['in a file', [folder, 3]],
    ['in memory', []],
    ['in memory, when the folder has no such files', ['/proc/self', 3]],
  ] as [string, [string?, number?]][]) {
    test(`what was written is there, ${where}`, () => {
      const bytes = new PagedBytes(...options);
      const value = (number: number) => number * 7919 + 1;
      const order = Array.from({ length: 50 }, (_, at) => (at * 17) % 50);
      for (const number of order) bytes.writable(number).view.setUint32(PAGE - 4, value(number), true);
      for (const round of [1, 2]) {
        for (const number of order.toReversed()) {
          const { view } = bytes.page(number);
          assert.equal(view.getUint32(PAGE - 4, true), value(number), `page ${number}, round ${round}`);
          assert.equal(view.getUint32(0, true), 0);
        }
      }
      assert.equal(bytes.page(99).view.getUint32(PAGE - 4, true), 0, 'a page that nobody has written');
      assert.deepEqual(readdirSync(folder), [], 'the file has no name');
      bytes.close();
    });
  }

  test('two pages can be used at once', () => {
    const bytes = new PagedBytes(folder, 2);
    for (let number = 0; number < 10; number++) bytes.writable(number).bytes.fill(number);
    for (let number = 1; number < 10; number++) {
      const [first, second] = [bytes.page(number - 1), bytes.page(number)];
      assert.deepEqual([first.bytes[9], second.bytes[9]], [number - 1, number]);
    }
    bytes.close();
  });

  test('no more pages than allowed are in memory, and none after the end', () => {
    const before = externalBytes();
    const bytes = new PagedBytes(folder, 4);
    for (let number = 0; number < 200; number++) bytes.writable(number).bytes.fill(1);
    const held = externalBytes() - before;
    assert.ok(held >= 4 * PAGE && held < 6 * PAGE, `${held} bytes`);
    bytes.close();
    assert.ok(externalBytes() - before < PAGE);
  });

  test('a full disk is told', () => {
    const mount = mkdtempSync(join(tmpdir(), 'wherry-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', mount]);
    const bytes = new PagedBytes(mount, 2);
    try {
      assert.throws(
        () => {
          for (let number = 0; number < 20; number++) bytes.writable(number).bytes.fill(1);
        },
        (error: Error) => isEngineError(error, 'system') && error.code === 'ENOSPC' && error.message.includes(mount),
      );
    } finally {
      bytes.close();
      execFileSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    }
  });
});
