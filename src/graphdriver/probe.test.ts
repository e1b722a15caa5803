import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { driverOptions } from '#test/support/driver.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { DRIVERS, type DriverName } from './driver.ts';
import { chooseDriver } from './open-driver.ts';
import type { DriverOptions } from './parts.ts';

describe('drivers are tried out', () => {
  let server: TestLauncher;
  let base: string;
  before(async () => {
    server = await startLauncher();
    base = await mkdtemp(join(tmpdir(), 'wherry-probe-'));
  });
  after(async () => {
    await server.close();
    await rm(base, { recursive: true });
  });

  const optionsFor = (folder: string) => driverOptions(folder, server.launcher, () => 'unused');

  async function choose(options: DriverOptions, wanted?: DriverName, last?: DriverName, proven = false) {
    const passedOver: string[] = [];
    const warn = (message: string) => void passedOver.push(message);
    const { name: chosen, ...more } = await chooseDriver(options, { wanted, last, proven, warn });
    assert.equal(
      more.proven,
      passedOver.every((message) => !message.includes('could not be tried')),
    );
    return { chosen, passedOver };
  }

  async function leavesNothing({ root }: DriverOptions): Promise<void> {
    assert.deepEqual(await readdir(join(root, '_tmp')), []);
    assert.deepEqual((await readMountInfo()).filter((mount) => mount.mountPoint.startsWith(`${root}/`)), []); // biome-ignore format: one line
  }

  /** Mounts a file system on the new folder `name` while `use` runs. */
  async function withFilesystem(
    name: string,
    fstype: string,
    options: [string, string | null][],
    use: (options: DriverOptions) => Promise<void>,
  ): Promise<void> {
    const folder = join(base, name);
    await mkdir(folder);
    await server.launcher.mount({ fstype, options, target: folder });
    try {
      await use(optionsFor(folder));
    } finally {
      await server.launcher.unmount(folder);
    }
  }

  test('each works on a disk file system, the first is chosen, and nothing is left', async () => {
    const options = optionsFor(base);
    assert.deepEqual(await choose(options), { chosen: 'erofs', passedOver: [] });
    for (const name of DRIVERS) assert.deepEqual(await choose(options, name), { chosen: name, passedOver: [] });
    await leavesNothing(options);
  });

  test('on tmpfs erofs is passed over, and says which step failed', () =>
    withFilesystem('tmpfs', 'tmpfs', [], async (options) => {
      const { chosen, passedOver } = await choose(options);
      assert.equal(chosen, 'overlay2');
      assert.equal(passedOver.length, 1);
      assert.match(
        passedOver[0]!,
        /the erofs driver cannot be used .* mounting erofs over files failed: .*Block device/,
      );
      await leavesNothing(options);
    }));

  test('on an overlay only vfs works', async () => {
    for (const name of ['lower', 'upper', 'work']) await mkdir(join(base, name));
    const overlay = ['lower', 'upper', 'work'].map((name): [string, string] => [`${name}dir`, join(base, name)]);
    await withFilesystem('overlay', 'overlay', overlay, async (options) => {
      const { chosen, passedOver } = await choose(options);
      assert.equal(chosen, 'vfs');
      assert.match(passedOver[1]!, /the overlay2 driver cannot be used .* mounting overlay over it failed/);
      await leavesNothing(options);
    });
  });

  test('one that is asked for and does not work is an error that says what it needs', () =>
    withFilesystem('asked', 'tmpfs', [], async (options) => {
      await assert.rejects(choose(options, 'erofs'), (error) => {
        assert.ok(isEngineError(error, 'system'));
        assert.equal(error.code, 'DRIVER_UNUSABLE');
        assert.match(error.hint ?? '', /Linux 6\.12/);
        return true;
      });
      await leavesNothing(options);
    }));

  test('one that is proven is not tried again', () =>
    withFilesystem('proven', 'tmpfs', [], async (options) => {
      assert.deepEqual(await choose(options, undefined, 'erofs', true), { chosen: 'erofs', passedOver: [] });
    }));

  test('a full disk says nothing about a driver: the last one is used', async () => {
    await withFilesystem('full', 'tmpfs', [['size', '32k']], async (options) => {
      await mkdir(options.root);
      await writeFile(join(options.root, 'filler'), Buffer.alloc(32 << 10)).catch(() => {}); // until it is full
      for (const last of DRIVERS) {
        const { chosen, passedOver } = await choose(options, undefined, last);
        assert.equal(chosen, last);
        assert.match(passedOver.join(), /could not be tried out: .*(no space left|disk is full)/);
      }
      assert.equal((await choose(options, 'vfs', 'erofs')).chosen, 'vfs');
      assert.equal((await choose(options)).chosen, 'erofs');
    });
  });
});
