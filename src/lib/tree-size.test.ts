import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { treeSize } from './tree-size.ts';

test('files count once under all of their names, links as long as their target, folders not', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'wherry-tree-'));
  t.after(() => rm(root, { recursive: true }));
  assert.equal(await treeSize(root), 0);
  await mkdir(join(root, 'a/b/c'), { recursive: true });
  await writeFile(join(root, 'a/b/file'), Buffer.alloc(5000));
  await link(join(root, 'a/b/file'), join(root, 'a/second-name'));
  await symlink('12345678', join(root, 'a/b/c/link'));
  await writeFile(join(root, 'sparse'), '');
  await truncate(join(root, 'sparse'), 1 << 20);
  assert.equal(await treeSize(root), 5000 + 8 + (1 << 20));
});

test('a folder that is not there has no size', async () => {
  assert.equal(await treeSize('/nonexistent/folder'), 0);
});
