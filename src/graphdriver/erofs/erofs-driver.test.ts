import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { type MountInfo, readMountInfo } from '#linux/mountinfo.ts';
import { contractFor, driverOptions } from '#test/support/driver.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { driverContract } from '../contract.ts';
import { makeLayer } from '../contract-tree.ts';
import type { GraphDriver } from '../driver.ts';
import { openDriver } from '../open-driver.ts';
import { WRITER_VERSION } from './image.ts';

driverContract(contractFor('erofs'));

describe('the erofs driver', () => {
  let server: TestLauncher;
  let base: string;
  before(async () => {
    server = await startLauncher();
    base = await mkdtemp(join(tmpdir(), 'wherry-erofs-driver-'));
  });
  after(async () => {
    await server.close();
    await rm(base, { recursive: true });
  });

  interface Home {
    path: string;
    driver: GraphDriver;
    reopen(): Promise<GraphDriver>;
    addLayer(name: string): Promise<string>;
    contentPath(diffId: string): string;
    mounts(): Promise<MountInfo[]>;
  }

  /** A data-root of its own, in which nothing is left mounted afterwards. */
  async function withHome(name: string, use: (home: Home) => Promise<void>): Promise<void> {
    const path = join(base, name);
    await mkdir(join(path, 'content'), { recursive: true });
    const contentPath = (diffId: string) => join(path, 'content', diffId.slice(7));
    const reopen = () => openDriver('erofs', driverOptions(path, server.launcher, contentPath));
    const addLayer = async (file: string) => {
      const tar = makeLayer([{ type: 'file', name: file, body: file }]);
      const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
      await writeFile(contentPath(diffId), tar);
      await driver.applyDiff({ diffId, tarPath: contentPath(diffId), size: tar.length });
      return diffId;
    };
    const mounts = async () => (await readMountInfo()).filter((mount) => mount.mountPoint.startsWith(`${path}/`));
    const driver = await reopen();
    try {
      await use({ path, driver, reopen, addLayer, contentPath, mounts });
    } finally {
      const last = await reopen();
      for (const id of await last.listReadWrite()) await last.remove(id);
      await last.cleanup();
      assert.deepEqual(await mounts(), []);
    }
  }

  test('two containers of one image are two overlays over one erofs mount per layer, also after a restart', () =>
    withHome('shared', async ({ driver, reopen, addLayer, mounts }) => {
      const chain = [await addLayer('a'), await addLayer('b')];
      await driver.createReadWrite('one', chain);
      await driver.createReadWrite('two', chain);
      await Promise.all([driver.get('one'), driver.get('two')]);
      const count = async () => {
        const all = await mounts();
        return ['erofs', 'overlay'].map((fstype) => all.filter((mount) => mount.fstype === fstype).length);
      };
      assert.deepEqual(await count(), [2, 2]);
      const again = await reopen();
      await again.get('one');
      assert.deepEqual(await count(), [2, 2]);
      await assert.rejects(again.removeLayer(chain[0]!), (error) => isEngineError(error, 'conflict'));
      const erofs = (await mounts()).find((mount) => mount.fstype === 'erofs')!;
      assert.deepEqual(
        ['ro', 'nosuid', 'nodev'].filter((option) => !erofs.options.includes(option)),
        [],
      );
      assert.deepEqual(
        (await mounts()).filter((mount) => mount.propagation.length > 0),
        [],
      );
    }));

  test('a tar that changed after it was indexed is not mounted, and is known to be unfit', () =>
    withHome('changed', async ({ driver, addLayer, contentPath }) => {
      const layer = await addLayer('a');
      await utimes(contentPath(layer), 1, 1);
      assert.equal(await driver.exists(layer), false);
      await driver.createReadWrite('c', [layer]);
      await assert.rejects(driver.get('c'), (error) => {
        assert.ok(isEngineError(error, 'system'));
        assert.equal(error.code, 'LAYER_CHANGED');
        assert.match(error.hint ?? '', /load it again/);
        return true;
      });
      await driver.applyDiff({
        diffId: layer,
        tarPath: contentPath(layer),
        size: (await stat(contentPath(layer))).size,
      });
      await driver.get('c');
    }));

  test('an index that is lost is made again when it is needed; a lost tar is named', () =>
    withHome('lost', async ({ path, driver, addLayer, contentPath }) => {
      const [a, b] = [await addLayer('a'), await addLayer('b')];
      await rm(join(path, `graph/erofs/v${WRITER_VERSION}`), { recursive: true });
      await mkdir(join(path, `graph/erofs/v${WRITER_VERSION}`));
      await driver.createReadWrite('c', [a]);
      assert.equal(await readFile(join((await driver.get('c')).path, 'a'), 'utf8'), 'a');
      await rm(contentPath(b));
      assert.equal(await driver.exists(b), false);
      await driver.createReadWrite('d', [b]);
      await assert.rejects(driver.get('d'), { code: 'LAYER_MISSING' });
    }));

  test('what a killed engine left unfinished is gone after the next start', () =>
    withHome('killed', async ({ path, driver, reopen }) => {
      const leftover = join(path, 'graph/_tmp/half-made');
      await mkdir(join(leftover, 'upper/deep'), { recursive: true });
      await chmod(leftover, 0);
      const next = await reopen();
      await driver.createReadWrite('c', []);
      await next.cleanup();
      assert.deepEqual(await readdir(join(path, 'graph/_tmp')), []);
      assert.deepEqual(await next.listReadWrite(), ['c']);
    }));

  test('a busy container stays mounted when its put fails', () =>
    withHome('busy', async ({ driver, addLayer }) => {
      await driver.createReadWrite('c', [await addLayer('a')]);
      const { path } = await driver.get('c');
      const file = await open(join(path, 'a'));
      await assert.rejects(driver.put('c'), { code: 'EBUSY' });
      assert.equal(await readFile(join((await driver.get('c')).path, 'a'), 'utf8'), 'a');
      await driver.cleanup();
      assert.equal(await readFile(join(path, 'a'), 'utf8'), 'a', 'cleanup leaves what is in use');
      await file.close();
      await driver.put('c');
    }));

  test('data-roots with long names and odd characters', async () => {
    for (const name of [`${'long-'.repeat(40)}/${'name-'.repeat(40)}`, 'a b,c:d\\e=f#g"h', 'ünï']) {
      await withHome(name, async ({ driver, reopen, addLayer }) => {
        await driver.createReadWrite('c', [await addLayer('a'), await addLayer('b')]);
        const { path } = await driver.get('c');
        const upperDir = driver.describe('c', []).UpperDir!;
        await writeFile(join(path, 'new'), 'x');
        assert.deepEqual([await readdir(path), await readdir(upperDir)], [['a', 'b', 'new'], ['new']]);
        await (await reopen()).put('c');
        assert.deepEqual(await readdir(path), []);
      });
    }
  });
});
