import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { generatedDocs } from '../scripts/docs.ts';

const root = resolve(import.meta.dirname, '..');
const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => !path.includes('/build') && !isFolder(path));
}

test('the parts of docs/user that come from code say what the code says (make docs)', () => {
  for (const [path, text] of generatedDocs()) assert.equal(readFileSync(path, 'utf8'), text, relative(root, path));
});

test('links between documents lead somewhere', () => {
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map((name) => join(root, name));
  const all = [...pages, ...files(join(root, 'docs'))];
  const broken = all.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)]
      .map((match) => resolve(dirname(page), match[1]!))
      .filter((target) => statSync(target, { throwIfNoEntry: false }) === undefined)
      .map((target) => `${relative(root, page)} -> ${relative(root, target)}`),
  );
  assert.deepEqual(broken, []);
});

test('every folder of code says what it is', () => {
  const folders = new Set(
    ['src', 'test', 'bench', 'native', 'scripts']
      .flatMap((name) => files(join(root, name)))
      .map((path) => relative(root, dirname(path))),
  );
  const silent = [...folders].filter((folder) => !statSync(join(root, folder, 'README.md'), { throwIfNoEntry: false }));
  assert.deepEqual(silent, []);
});
