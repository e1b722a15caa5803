/** How much C outlives an engine: launcher, monitor and what they share (docs/decisions/0004). */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const folder = join(import.meta.dirname, '../native');
const FILES = ['launcher/*.[ch]', 'monitor/*.[ch]', 'common.[ch]', 'protocol.h'];
const LIMIT = 1500;

/** Lines that are neither blank nor comment. */
function linesOfCode(path: string): number {
  const code = readFileSync(path, 'utf8').replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '');
  return code.split('\n').filter((line) => line.trim() !== '').length;
}

test(`launcher and monitor have fewer than ${LIMIT} lines of code together`, (t) => {
  const files = globSync(FILES, { cwd: folder });
  assert.ok(files.length > 10, `${files}`);
  const lines = files.map((file) => linesOfCode(join(folder, file))).reduce((sum, count) => sum + count);
  t.diagnostic(`${lines} lines`);
  assert.ok(lines < LIMIT, `${lines} lines`);
});
