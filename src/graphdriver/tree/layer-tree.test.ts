import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TarParser } from '#archive/tar-parser.ts';
import { isEngineError } from '#errors/errors.ts';
import { type ContractEntry, makeLayer } from '../contract-tree.ts';
import { isDirectory, isSymlink, isWhiteout, type LayerNode } from './layer-node.ts';
import { LayerTree } from './layer-tree.ts';
import { type NodeId, NodeStore } from './node-store.ts';

/** Each outcome is what dockerd 26.1.5 (overlay2) made of the same tar; test/fuzz/layers compares all others. */

const file = (name: string, more: Partial<ContractEntry> = {}): ContractEntry => ({
  type: 'file',
  name,
  body: name,
  ...more,
});
const directory = (name: string, more: Partial<ContractEntry> = {}): ContractEntry => ({
  type: 'directory',
  name,
  ...more,
});
const link = (name: string, linkName: string, more: Partial<ContractEntry> = {}): ContractEntry => ({ type: 'link', name, linkName, ...more }); // biome-ignore format: one line
const symlink = (name: string, linkName: string): ContractEntry => ({ type: 'symlink', name, linkName });

function build(entries: readonly ContractEntry[]): LayerTree {
  const tree = new LayerTree(new NodeStore());
  const parser = new TarParser({ entry: (entry) => tree.add(entry) });
  parser.push(makeLayer(entries));
  parser.end();
  tree.end();
  return tree;
}

/** One word per path: `a/` a directory, `a/!` an opaque one, `a@` a symlink, `-a` a whiteout, `a` anything else. */
function show(tree: LayerTree): string {
  const words: string[] = [];
  const { store } = tree;
  const visit = (directory: NodeId, path: string) => {
    const entries = store.entries(directory).toArray();
    for (const entry of entries.sort((a, b) => store.compareNames(a, b))) {
      const id = store.nodeOf(entry);
      const child = store.get(id);
      const own = `${path}${store.nameOf(entry)}`;
      words.push(
        isWhiteout(child)
          ? `-${own}`
          : isDirectory(child)
            ? `${own}/${child.opaque ? '!' : ''}`
            : isSymlink(child)
              ? `${own}@`
              : own,
      );
      if (isDirectory(child)) visit(id, `${own}/`);
    }
  };
  visit(tree.root, '');
  return words.join(' ');
}

function nodeAt(tree: LayerTree, path: string): LayerNode {
  return tree.store.get(idAt(tree, path));
}

function idAt(tree: LayerTree, path: string): NodeId {
  return path.split('/').reduce((node, name) => tree.store.find(node, name)!, tree.root);
}

const accepted: [what: string, entries: ContractEntry[], outcome: string][] = [
  ['implied parents', [file('a/b/c')], 'a/ a/b/ a/b/c'],
  ['a directory that is described after it was implied', [file('a/b'), directory('a', { mode: 0o700 })], 'a/ a/b'],
  ['names with dots and slashes', [file('./a/.//b'), directory('c/')], 'a/ a/b c/'],
  ['`..` that leads out', [file('../../etc/x')], 'etc/ etc/x'],
  ['`..` after a link is resolved by text', [directory('a/b'), symlink('l', 'a/b'), file('l/../x')], 'a/ a/b/ l@ x'],
  ['absolute names', [file('/a/x')], 'a/ a/x'],
  ['a name with a slash at its end', [file('a/')], 'a'],
  ['an entry for the root', [directory('./'), file('a')], 'a'],
  ['a path through a link', [directory('t'), symlink('l', 't'), file('l/x')], 'l@ t/ t/x'],
  ['a path through an absolute link', [directory('t'), symlink('l', '/t'), file('l/x')], 'l@ t/ t/x'],
  ['a path through a link that leads out', [directory('t'), symlink('l', '../../../t'), file('l/x')], 'l@ t/ t/x'],
  ['a new directory through a link', [directory('t'), symlink('l', 't'), file('l/n/x')], 'l@ t/ t/n/ t/n/x'],
  [
    'a path through two links',
    [directory('t/u'), symlink('l', 't'), symlink('m', 'l/u'), file('m/x')],
    'l@ m@ t/ t/u/ t/u/x',
  ],
  ['the same file again, through a link', [file('t/x'), symlink('l', 't'), file('l/x')], 'l@ t/ t/x'],
  ['the same file again, from the root', [file('a'), file('/a'), symlink('../a', 'x')], 'a@'],
  ['a hard link', [file('a'), link('b', 'a')], 'a b'],
  ['a hard link to an absolute name', [file('a'), link('b', '/a')], 'a b'],
  ['a hard link that leads out', [file('a'), link('b', '../../a')], 'a b'],
  ['a hard link through a link', [file('t/a'), symlink('l', 't'), link('b', 'l/a')], 'b l@ t/ t/a'],
  ['a hard link to a symlink', [symlink('s', 'x'), link('b', 's')], 'b@ s@'],
  ['whiteouts', [file('.wh.a'), directory('d/.wh.b')], '-a d/ -d/b'],
  ['a whiteout and then a file', [file('.wh.a'), file('a')], 'a'],
  // The old directory's files show through: whoever wants them hidden makes the new one opaque.
  ['a whiteout and then a directory', [file('.wh.a'), directory('a'), file('a/x')], 'a/ a/x'],
  ['opaque directories', [directory('a'), file('a/.wh..wh..opq'), file('a/x'), file('b/.wh..wh..opq')], 'a/! a/x b/!'],
  [
    'an opaque file, and an opaque whiteout',
    [file('a'), file('a/.wh..wh..opq'), file('.wh.b'), file('b/.wh..wh..opq')],
    'a -b',
  ],
  ['an opaque root', [file('.wh..wh..opq'), file('a')], 'a'],
  ['what AUFS kept', [file('.wh..wh.aufs'), directory('.wh..wh.plnk'), file('.wh..wh.plnk/1')], '.wh..wh.plnk/ .wh..wh.plnk/1 -.wh.aufs -.wh.plnk'], // biome-ignore format: one line
  ['a whiteout in a path is a name', [file('.wh.a/b')], '.wh.a/ .wh.a/b'],
  ['a character device 0:0', [{ type: 'character', name: 'a' }], '-a'],
];

const refused: [what: string, entries: ContractEntry[], message: RegExp][] = [
  ['a file twice', [file('a'), file('./a')], /"\.\/a" at offset 1024: duplicates of file paths not supported/],
  ['a file twice, from the root', [file('/a'), file('//b/../a')], /duplicates/],
  ['a file twice, through a link', [directory('t'), symlink('l', 't'), file('l/a'), file('l/./a')], /duplicates/],
  ['a directory twice', [directory('a'), directory('a/')], /duplicates/],
  ['a path through a link that is none any more', [symlink('s', '.'), file('s/s'), file('s/x')], /not a directory/],
  ['a file over a directory', [directory('a'), file('a')], /duplicates/],
  ['a directory over a file', [file('a'), directory('a')], /duplicates/],
  ['a directory over a link', [directory('t'), symlink('a', 't'), directory('a')], /duplicates/],
  ['a link that replaces its target', [file('a'), link('b', 'a'), link('a', 'b')], /duplicates/],
  ['a hard link to itself', [file('a'), link('a', 'a')], /target "a" is not in this layer/],
  ['a hard link to nothing', [link('b', 'a'), file('a')], /"b" at offset 0: its hard link's target "a"/],
  ['a hard link to a directory', [directory('a'), link('b', 'a')], /is a directory/],
  ['a hard link to the root', [link('b', '/')], /is a directory/],
  ['a path through a file', [file('a'), file('a/b')], /a part of its path is not a directory/],
  ['a path through a dangling link', [symlink('l', 'nowhere'), file('l/x')], /leads nowhere/],
  ['a longer path through a dangling link', [symlink('l', 'nowhere'), file('l/n/x')], /leads nowhere/],
  ['a path through a loop', [symlink('a', 'b'), symlink('b', 'a'), file('a/x')], /too many levels of symbolic links/],
  ['a path through a whiteout', [file('.wh.a'), file('a/b')], /not a directory/],
  ['a whiteout twice', [file('.wh.a'), file('.wh.a')], /a whiteout of a name that this same layer holds/],
  ['a whiteout of a file of this layer', [file('a'), file('.wh.a')], /this same layer/],
  ['a whiteout of a directory of this layer', [directory('a'), file('.wh.a')], /this same layer/],
  ['a whiteout of no name', [file('.wh.')], /of no name/],
  ['a whiteout of `.`', [file('.wh..')], /of no name/],
  ['a name of 256 bytes', [file('n'.repeat(256))], /a name of 256 bytes; the limit is 255/],
  ['a path of more than 4095 bytes', [file(`${'d'.repeat(200)}/`.repeat(21))], /a path of 4221 bytes/],
  ['a device number out of range', [{ type: 'block', name: 'a', deviceMajor: 4096 }], /device number 4096:0/],
];

describe('the tree of a layer', () => {
  for (const [what, entries, outcome] of accepted) {
    test(what, () => assert.equal(show(build(entries)), outcome));
  }

  for (const [what, entries, message] of refused) {
    test(`refuses ${what}`, () => {
      assert.throws(
        () => build(entries),
        (error: Error) => {
          assert.ok(isEngineError(error, 'invalid'), String(error));
          assert.match(error.message, message);
          assert.match(error.message, /^tar entry ".*" at offset \d+: /);
          return true;
        },
      );
    });
  }

  test("a hard link's header describes the file", () => {
    const tree = build([
      file('a', { mode: 0o644, mtime: 1 }),
      link('b', 'a', { mode: 0o4711, uid: 7, gid: 8, mtime: 9 }),
    ]);
    const node = nodeAt(tree, 'a');
    assert.equal(idAt(tree, 'a'), idAt(tree, 'b'));
    assert.deepEqual([node.mode, node.uid, node.gid, node.mtime], [0o104711, 7, 8, 9]);
  });

  test("a hard link to a symlink changes its owner only, and a symlink's permissions are always 0777", () => {
    const tree = build([symlink('s', 'x'), link('b', 's', { mode: 0o600, uid: 7, mtime: 9 })]);
    const node = nodeAt(tree, 's');
    assert.deepEqual([node.mode, node.uid, node.mtime], [0o120777, 7, 0]);
  });

  test('an implied directory is root:root 0755 with the time of the entry that implied it', () => {
    const node = nodeAt(build([file('a/b', { uid: 5, mtime: 77, mtimeNs: 8 })]), 'a');
    assert.deepEqual([node.mode, node.uid, node.gid, node.mtime, node.mtimeNs], [0o040755, 0, 0, 77, 8]);
  });

  test('owners are 32 bits wide, and -1 is root', () => {
    const tree = build([file('a', { uid: 4_294_967_294, gid: 4_294_967_295 }), file('b', { uid: 4_294_967_297 })]);
    assert.deepEqual([nodeAt(tree, 'a').uid, nodeAt(tree, 'a').gid, nodeAt(tree, 'b').uid], [4_294_967_294, 0, 1]);
  });
});
