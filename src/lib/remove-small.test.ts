import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { removeSmallFolder, removeUpTo } from './remove-small.ts';

/** A folder `tree` of ten entries, with a link out of it to `kept`. */
function scratch(t: TestContext): { tree: string; kept: string } {
  const home = mkdtempSync(join(tmpdir(), 'wherry-remove-'));
  t.after(() => rmSync(home, { recursive: true }));
  const [tree, kept] = [join(home, 'tree'), join(home, 'kept')];
  mkdirSync(join(tree, 'a/b/c'), { recursive: true });
  mkdirSync(kept);
  writeFileSync(join(kept, 'file'), '');
  symlinkSync(kept, join(tree, 'a/link'));
  symlinkSync('nowhere', join(tree, 'dangling'));
  for (const name of ['1', 'a/2', 'a/b/3', 'a/b/c/4']) writeFileSync(join(tree, name), '');
  writeFileSync(Buffer.from(`${tree}/\xff\xfe`, 'latin1'), '');
  return { tree, kept };
}

test('a tree goes, whatever its names are; what its links point to stays', async (t) => {
  const { tree, kept } = scratch(t);
  assert.equal(await removeUpTo(tree, 10), true);
  assert.ok(!existsSync(tree));
  assert.deepEqual(readdirSync(kept), ['file']);
});

test('of a tree with more entries some are left, and it is said', async (t) => {
  const { tree } = scratch(t);
  assert.equal(await removeUpTo(tree, 9), false);
  assert.ok(existsSync(tree));
  assert.equal(await removeUpTo(tree, 10), true);
});

test('a small folder goes, with folders in it', async (t) => {
  const { tree, kept } = scratch(t);
  rmSync(Buffer.from(`${tree}/\xff\xfe`, 'latin1'));
  await removeSmallFolder(tree);
  assert.ok(!existsSync(tree));
  assert.deepEqual(readdirSync(kept), ['file']);
});

test('what is not there, or goes at the same time, is no error; what is no folder is', async (t) => {
  const { tree, kept } = scratch(t);
  await Promise.all([removeSmallFolder(join(tree, 'a')), removeSmallFolder(join(tree, 'a'))]);
  await removeSmallFolder(join(tree, 'a'));
  assert.equal(await removeUpTo(join(tree, 'a'), 5), true);
  await assert.rejects(removeSmallFolder(join(kept, 'file')), { code: 'ENOTDIR' });
});
