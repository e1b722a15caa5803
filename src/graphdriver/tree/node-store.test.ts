import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { S_IFBLK, S_IFLNK, S_IFREG } from './file-types.ts';
import { type LayerNode, makeDirectory, makeNode, makeWhiteout } from './layer-node.ts';
import { note } from './node-record.ts';
import { NodeStore } from './node-store.ts';

const file = (more: Partial<LayerNode> = {}): LayerNode => ({ ...makeNode(S_IFREG | 0o644), source: 0, ...more });

describe('the store of nodes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-nodes-'));
  after(() => rmSync(folder, { recursive: true }));

  test('a node comes out as it went in', () => {
    using store = new NodeStore();
    const xattrs = new Map([['user.x', Buffer.from('y')]]);
    const nodes: LayerNode[] = [
      file({ uid: 0xfffffffe, gid: 7, mtime: -1.5e9, mtimeNs: 999_999_999, size: 2 ** 45, dataOffset: 2 ** 44 + 512 }),
      file({ xattrs, segments: [{ offset: 1, length: 2 }], headerOffset: 2 ** 40, source: 65 }),
      { ...makeNode(S_IFLNK | 0o777), target: 'ä/\u00ff'.repeat(1000) },
      { ...makeNode(S_IFLNK | 0o777), target: '' },
      { ...makeNode(S_IFBLK | 0o600), rdev: 0xfff00fff },
      { ...makeDirectory({ mtime: 1, mtimeNs: 2 }), opaque: true },
      { ...makeDirectory(), opaque: false, implied: false, xattrs },
    ];
    const ids = nodes.map((node) => store.add(node));
    assert.deepEqual(ids.map((id) => store.get(id)), nodes); // biome-ignore format: one line
    assert.equal(store.nodeCount, 7);
    assert.equal(store.directoryCount, 2);
    store.set(ids[1]!, file({ mode: S_IFREG | 0o4755 }));
    assert.deepEqual(store.get(ids[1]!), file({ mode: S_IFREG | 0o4755 }), 'what it has lost is gone');
  });

  test('names are found in their directory only, in the order in which they came', () => {
    using store = new NodeStore();
    const [a, b] = [store.add(makeDirectory()), store.add(makeDirectory())];
    const [one, two, hidden] = [store.add(file()), store.add(file()), store.add(makeWhiteout())];
    store.link(a, 'z', one);
    store.link(a, '\u00e4', two);
    store.link(b, 'z', two);
    store.link(a, 'gone', hidden);
    assert.deepEqual([store.find(a, 'z'), store.find(b, 'z'), store.find(b, '\u00e4')], [one, two, undefined]);
    assert.deepEqual([store.isWhiteout(hidden), store.isWhiteout(one)], [true, false]);
    const names = () => store.entries(a).map((entry) => store.nameOf(entry)).toArray(); // biome-ignore format: one line
    assert.deepEqual(names(), ['z', '\u00e4', 'gone']);
    store.unlink(a, 'z');
    store.unlink(a, 'never there');
    store.link(a, 'z', two);
    assert.deepEqual(names(), ['\u00e4', 'gone', 'z']);
    assert.deepEqual([store.countOf(a), store.entryCount], [3, 4]);
    store.empty(a);
    assert.deepEqual([names(), store.countOf(a), store.find(a, 'gone'), store.find(b, 'z')], [[], 0, undefined, two]);
  });

  test('names are compared by their bytes', () => {
    using store = new NodeStore();
    const names = ['a', 'a.', 'a0', 'aa', '.', '..', '-', '\u00ff', 'Z', 'z'.repeat(255)];
    const entries = names.map((name) => store.makeEntry(name, 0, 0));
    const sorted = entries.sort((a, b) => store.compareNames(a, b)).map((entry) => store.nameOf(entry));
    assert.deepEqual(
      sorted,
      names.toSorted((a, b) => (a < b ? -1 : 1)),
    );
  });

  test('more nodes than fit in memory are all there', () => {
    using store = new NodeStore(folder);
    const root = store.add(makeDirectory());
    const count = 100_000;
    for (let at = 0; at < count; at++) {
      const id = store.add(file({ size: at, uid: at }));
      store.link(root, `file-${at}`, id);
      store.setNote(id, note.place, 2 ** 32 - 1 - at);
    }
    let seen = 0;
    for (const entry of store.entries(root)) {
      const id = store.nodeOf(entry);
      assert.equal(store.nameOf(entry), `file-${seen}`);
      assert.equal(store.noteOf(id, note.place), 2 ** 32 - 1 - seen);
      assert.equal(store.fileSize(id), seen++);
    }
    assert.equal(seen, count);
    for (let at = 0; at < count; at += 977) assert.equal(store.get(store.find(root, `file-${at}`)!).uid, at);
    assert.equal(store.find(root, `file-${count}`), undefined);
  });
});
