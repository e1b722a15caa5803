import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { run } from '#programs/run.ts';
import { changesContract } from './contract-changes.ts';
import { everyKind } from './contract-layers.ts';
import { type ContractEntry, makeLayer, treeFacts } from './contract-tree.ts';
import type { GraphDriver } from './driver.ts';
import { LayerPreparation } from './prepare-layer.ts';

/** What a driver brings to the suite that all drivers pass. */
export interface DriverUnderTest {
  name: string;
  /** Its writable layers are upper directories of overlayfs. */
  overlayfs: boolean;
  /** Opens the driver on a data-root; called again, without `cleanup` before it, for an engine that was killed. */
  open(home: string, contentPath: (diffId: string) => string): Promise<GraphDriver>;
  /** After the last test. */
  close(): Promise<void>;
}

/** Registers the suite with node:test. */
export function driverContract(subject: DriverUnderTest): void {
  describe(`the ${subject.name} driver keeps the contract`, () => {
    let home: string;
    let driver: GraphDriver;
    let ids = 0;

    const contentPath = (diffId: string) => join(home, 'content', diffId.slice('sha256:'.length));
    const reopen = async () => {
      driver = await subject.open(home, contentPath);
    };

    before(async () => {
      home = await mkdtemp(join(tmpdir(), 'wherry-driver-'));
      await mkdir(join(home, 'content'));
      await reopen();
    });
    after(async () => {
      for (const id of await driver.listReadWrite()) await driver.remove(id);
      for (const hex of await readdir(join(home, 'content'))) await driver.removeLayer(`sha256:${hex}`);
      await driver.cleanup();
      await subject.close();
      await rm(home, { recursive: true });
    });

    /** Stores a tar as the content store does. */
    async function store(tar: Buffer): Promise<{ diffId: string; tarPath: string; size: number }> {
      const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
      const tarPath = contentPath(diffId);
      await writeFile(`${tarPath}.draft`, tar, { mode: 0o400 });
      await truncate(`${tarPath}.draft`, Math.ceil(tar.length / 512) * 512);
      await rename(`${tarPath}.draft`, tarPath);
      return { diffId, tarPath, size: tar.length };
    }

    async function layer(entries: readonly ContractEntry[]): Promise<string> {
      return apply(makeLayer(entries));
    }

    async function apply(tar: Buffer): Promise<string> {
      const stored = await store(tar);
      await driver.applyDiff(stored);
      return stored.diffId;
    }

    async function container(...chain: string[]): Promise<string> {
      const id = `container-${++ids}`;
      await driver.createReadWrite(id, chain);
      return id;
    }

    async function pathOf(...chain: string[]): Promise<string> {
      return (await driver.get(await container(...chain))).path;
    }

    const text = async (path: string) => readFile(path, 'utf8');
    const file = (name: string, body: string): ContractEntry => ({ type: 'file', name, body });

    test('a layer that is whole verifies, and can be made anew; the list has it', async () => {
      const stored = await store(makeLayer(everyKind));
      const stat = await driver.applyDiff(stored);
      assert.deepEqual(await driver.verifyLayer(stored), { stat });
      assert.ok((await driver.listLayers()).includes(stored.diffId));
      assert.deepEqual(await driver.rebuildLayer(stored), stat);
      await driver.removeLayer(stored.diffId);
      assert.ok(!(await driver.listLayers()).includes(stored.diffId));
      assert.equal((await driver.verifyLayer(stored)).problem, 'is missing');
      assert.deepEqual(await driver.rebuildLayer(stored), stat);
      assert.deepEqual(await driver.verifyLayer(stored), { stat });
    });

    test('a writable layer knows what it stands on', async () => {
      const chain = [await layer([file('below', '')]), await layer([file('above', '')])];
      assert.deepEqual(await driver.chainOf(await container(...chain)), chain);
      await assert.rejects(driver.chainOf('nobody'), (error) => isEngineError(error, 'not-found'));
    });

    test('a layer comes out as GNU tar would have extracted it', async () => {
      const tar = makeLayer(everyKind);
      const stored = await store(tar);
      const stat = await driver.applyDiff(stored);
      assert.equal(
        stat.size,
        everyKind.reduce((sum, entry) => sum + Buffer.from(entry.body ?? '').length, 0),
      );
      const extracted = join(home, 'extracted');
      await mkdir(extracted);
      const options = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--delay-directory-restore'];
      await run('tar', [...options, '-C', extracted, '-xpf', stored.tarPath]);
      const [expected, actual] = [await treeFacts(extracted), await treeFacts(await pathOf(stored.diffId))];
      delete expected['/'];
      delete actual['/'];
      assert.deepEqual(actual, expected);
    });

    test('applying a layer again changes nothing, and removing it makes it unknown', async () => {
      const stored = await store(makeLayer([file('once', '12345')]));
      assert.equal(await driver.exists(stored.diffId), false);
      assert.equal(await driver.layerSize(stored.diffId), 0);
      const first = await driver.applyDiff(stored);
      assert.deepEqual(await Promise.all([driver.applyDiff(stored), driver.applyDiff(stored)]), [first, first]);
      assert.equal(first.size, 5);
      assert.equal(await driver.exists(stored.diffId), true);
      assert.ok((await driver.layerSize(stored.diffId)) > 0);
      await driver.removeLayer(stored.diffId);
      assert.equal(await driver.exists(stored.diffId), false);
      await driver.removeLayer(stored.diffId);
    });

    test('a tar that is no layer is refused with entry and offset, and leaves nothing', async () => {
      const good = makeLayer([file('good', 'x'), { type: 'link', name: 'bad', linkName: 'nowhere' }]);
      for (const [tar, message] of [
        [good, /"bad" at offset 1024.*"nowhere"/],
        [good.subarray(0, 512), /"good" at offset 0: the archive ends/],
        [Buffer.alloc(4096, 'not a tar '), /offset 0/],
      ] as const) {
        const stored = await store(tar);
        await assert.rejects(driver.applyDiff(stored), (error: Error) => {
          assert.ok(isEngineError(error, 'invalid'), String(error));
          assert.match(error.message, message);
          return true;
        });
        assert.equal(await driver.exists(stored.diffId), false);
      }
    });

    test('a layer that is prepared while its tar is written comes out the same, and what is none is not prepared', async () => {
      const tars = [
        makeLayer([...everyKind, file('prepared', '')]),
        makeLayer([{ type: 'link', name: 'bad', linkName: 'nowhere' }]),
      ];
      for (const pieceSize of [1, 700, 1 << 20]) {
        const preparation = await driver.beginPreparing();
        if (!preparation) return;
        const stored = await Promise.all(tars.map(store));
        const prepared = tars.map(async (tar, at) => {
          const preparing = await LayerPreparation.begin(preparation, `${at}`);
          for (let from = 0; from < tar.length; from += pieceSize) preparing.push(tar.subarray(from, from + pieceSize));
          await using file = await open(stored[at]!.tarPath);
          await preparing.end({ digest: stored[at]!.diffId }, file.fd);
          preparing.close();
          return preparing.prepared;
        });
        const [good, bad] = await Promise.all(prepared);
        assert.equal(bad, undefined);
        assert.deepEqual(await readdir(preparation.folder), ['0']);
        assert.deepEqual(await driver.applyDiff({ ...stored[0]!, prepared: good }), good!.stat);
        assert.deepEqual(await driver.verifyLayer(stored[0]!), { stat: good!.stat });
        assert.deepEqual(await readdir(preparation.folder), []);
        await driver.endPreparing(preparation);
        await driver.removeLayer(stored[0]!.diffId);
      }
    });

    test('upper layers replace, delete and hide what lower ones hold', async () => {
      const bottom = await layer([
        file('kept', '1'),
        file('replaced', '1'),
        file('deleted', '1'),
        { type: 'directory', name: 'merged' },
        file('merged/a', '1'),
        { type: 'directory', name: 'hidden' },
        file('hidden/a', '1'),
        { type: 'directory', name: 'renewed' },
        file('renewed/a', '1'),
        { type: 'directory', name: 'becomes-file' },
        file('becomes-file/a', '1'),
      ]);
      const top = await layer([
        file('replaced', '2'),
        { type: 'file', name: '.wh.deleted', mode: 0o644, body: 'whatever' },
        file('merged/b', '2'),
        { type: 'file', name: 'hidden/.wh..wh..opq' },
        file('hidden/b', '2'),
        { type: 'file', name: '.wh.renewed' },
        { type: 'directory', name: 'renewed' },
        file('renewed/b', '2'),
        file('becomes-file', '2'),
        { type: 'file', name: 'only-here/.wh.nothing' },
      ]);
      const path = await pathOf(bottom, top);
      const names = Object.keys(await treeFacts(path));
      assert.deepEqual(names.toSorted(), [
        '/',
        '/becomes-file',
        '/hidden',
        '/hidden/b',
        '/kept',
        '/merged',
        '/merged/a',
        '/merged/b',
        '/only-here',
        '/renewed',
        '/renewed/a',
        '/renewed/b',
        '/replaced',
      ]);
      assert.equal(await text(join(path, 'replaced')), '2');
    });

    test('a layer may be in an image more than once, and counts where it is highest', async () => {
      const twice = await layer([file('twice', '1'), file('.wh.hidden', ''), file('replaced', '1')]);
      const between = await layer([file('hidden', '2'), file('replaced', '2'), file('between', '2')]);
      const chain = [await layer([file('hidden', '0')]), twice, between, twice, twice];
      const id = await container(...chain);
      const { path } = await driver.get(id);
      assert.deepEqual((await readdir(path)).toSorted(), ['between', 'replaced', 'twice']);
      assert.equal(await text(join(path, 'replaced')), '1');
      assert.deepEqual(await driver.changes(id), []);
      assert.deepEqual(await driver.chainOf(id), chain);
    });

    test('containers of one image do not see each other, and what they wrote outlives put, get and a killed engine', async () => {
      const image = await layer([file('shared', 'image'), file('untouched', 'image')]);
      const [one, two] = [await container(image), await container(image)];
      const [first, second] = [await driver.get(one), await driver.get(two)];
      await writeFile(join(first.path, 'shared'), 'one');
      await writeFile(join(first.path, 'own'), 'one');
      assert.equal(await text(join(second.path, 'shared')), 'image');
      assert.deepEqual(await readdir(second.path), ['shared', 'untouched']);
      await reopen();
      assert.deepEqual((await driver.listReadWrite()).filter((id) => id === one || id === two).toSorted(), [one, two]);
      assert.equal(await text(join((await driver.get(one)).path, 'shared')), 'one');
      await driver.put(one);
      assert.deepEqual(await readdir(first.path), []);
      await reopen();
      assert.equal(await text(join((await driver.get(one)).path, 'shared')), 'one');
    });

    test('a root that is being mounted when the engine ends is found by the next one, and none is mounted later', async () => {
      for (const id of await driver.listReadWrite()) await driver.put(id);
      const image = await layer([file('a', 'image')]);
      const [id, late] = [await container(image), await container(image)];
      const mounting = driver.get(id);
      await driver.cleanup();
      const { path } = await mounting;
      assert.deepEqual(await readdir(path), ['a']);
      await assert.rejects(driver.get(late), (error) => isEngineError(error, 'unavailable'));
      await reopen();
      await driver.remove(id);
      await driver.cleanup();
      assert.deepEqual(await readdir(join(home, 'graph/_tmp')), []);
      await reopen();
    });

    test('a file keeps its inode number when it is written to, and when it is mounted again', async () => {
      const id = await container(await layer([file('a', 'image'), file('b', 'image')]));
      const { path } = await driver.get(id);
      const original = await stat(join(path, 'a'));
      const writer = await open(join(path, 'a'), 'a');
      await writer.write('more');
      await writer.close();
      const numbers = async () => {
        const [a, b] = [await stat(join(path, 'a')), await stat(join(path, 'b'))];
        return { a: a.ino, b: b.ino, sameDevice: a.dev === b.dev };
      };
      const before = await numbers();
      assert.equal(before.a, original.ino);
      await driver.put(id);
      await driver.get(id);
      assert.deepEqual(await numbers(), before);
      assert.ok(before.a < 2 ** 32 && before.b < 2 ** 32, 'programs of 32 bits can stat them');
    });

    test('a read-only mount shows the same and refuses writes', async () => {
      const id = await container(await layer([file('a', 'image'), file('gone', 'image')]));
      const { path } = await driver.get(id);
      await writeFile(join(path, 'a'), 'container');
      await rm(join(path, 'gone'));
      await driver.put(id);
      await driver.get(id, { readOnly: true });
      assert.equal(await text(join(path, 'a')), 'container');
      assert.deepEqual(await readdir(path), ['a']);
      await assert.rejects(writeFile(join(path, 'a'), ''), { code: 'EROFS' });
      await driver.get(id);
      await writeFile(join(path, 'a'), 'again');
    });

    const redirect = new Map([['trusted.overlay.redirect', Buffer.from('/secret')]]);
    const secret: ContractEntry[] = [{ type: 'directory', name: 'secret', mode: 0o700 }, file('secret/key', 'k')];

    test('a layer cannot bring the attributes by which overlayfs follows redirects', async () => {
      const lower = await layer([...secret, { type: 'directory', name: 'bait' }]);
      const upper = await layer([{ type: 'directory', name: 'bait', xattrs: redirect }]);
      assert.deepEqual(await readdir(join(await pathOf(lower, upper), 'bait')), []);
    });

    if (subject.overlayfs) {
      test('redirects in what a container has written are not followed', async () => {
        const id = await container(await layer([...secret, { type: 'directory', name: 'other' }]));
        const { UpperDir: upper } = driver.describe(id, []);
        await writeFile(join(home, 'redirect.tar'), makeLayer([{ type: 'directory', name: 'bait', xattrs: redirect }]));
        await run('tar', ['--xattrs', '--xattrs-include=*', '-C', upper!, '-xf', join(home, 'redirect.tar')]);
        const { path } = await driver.get(id);
        await assert.rejects(readdir(join(path, 'bait')), { code: 'EPERM' });
      });
    }

    test('127 layers are one tree, 128 are refused', async () => {
      const chain: string[] = [];
      for (let depth = 0; depth < 127; depth++)
        chain.push(await layer([file('depth', `${depth}`), file(`only-${depth}`, '')]));
      const path = await pathOf(...chain);
      assert.equal(await text(join(path, 'depth')), '126');
      assert.equal((await readdir(path)).length, 128);
      await assert.rejects(driver.createReadWrite('too-deep', [...chain, chain[0]!]), /max depth exceeded/);
      assert.equal((await driver.listReadWrite()).includes('too-deep'), false);
    });

    test('an image without layers is an empty tree', async () => {
      const path = await pathOf();
      assert.deepEqual(await readdir(path), []);
      await writeFile(join(path, 'file'), '');
    });

    test('many calls at a time are as one after another', async () => {
      const image = await layer([file('a', 'image')]);
      const several = await Promise.all(Array.from({ length: 8 }, () => container(image)));
      await Promise.all(several.flatMap((id) => [driver.get(id), driver.get(id), driver.put(id), driver.get(id)]));
      for (const id of several) assert.equal(await text(join((await driver.get(id)).path, 'a')), 'image');
      await Promise.all(several.flatMap((id) => [driver.put(id), driver.remove(id), driver.remove(id)]));
      const left = await driver.listReadWrite();
      assert.deepEqual(
        several.filter((id) => left.includes(id)),
        [],
      );
    });

    changesContract({ driver: () => driver, home: () => home, layer, apply, container });

    test('a layer in use cannot be removed; unknown and odd ids are refused', async () => {
      const image = await layer([file('in-use', '')]);
      const id = await container(image);
      await driver.get(id);
      await assert.rejects(driver.removeLayer(image), (error) => isEngineError(error, 'conflict'));
      await driver.remove(id);
      await driver.removeLayer(image);
      await assert.rejects(driver.get('unknown'), (error) => isEngineError(error, 'not-found'));
      await assert.rejects(driver.createReadWrite('../escape', []), (error) => isEngineError(error, 'invalid'));
      await driver.put('unknown');
      await driver.remove('unknown');
    });
  });
}
