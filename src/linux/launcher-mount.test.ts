import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';

const MOUNT_ATTR_RDONLY = 0x1;
const MS_PRIVATE = 1 << 18;

describe('mounts through the launcher', () => {
  let home: string;
  let server: TestLauncher;
  const folder = (name: string) => {
    const path = join(home, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const mountsUnder = (path: string) =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.split(' ')[4]?.startsWith(path));

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'wherry-mount-'));
    server = await startLauncher();
    await server.launcher.bind({ source: home, target: home, propagation: MS_PRIVATE });
  });
  after(async () => {
    await server.launcher.unmount(home, { detach: true });
    await server.close();
    rmSync(home, { recursive: true });
  });

  function makeErofs(name: string, content: string): string {
    writeFileSync(join(folder(`${name}.tree`), name), content);
    const image = join(home, `${name}.erofs`);
    execFileSync('mkfs.erofs', ['--quiet', image, join(home, `${name}.tree`)]);
    return image;
  }

  test('an overlay of two erofs layers is one writable tree', async () => {
    const { launcher } = server;
    const layers: string[] = [];
    for (const name of ['base', 'top']) {
      const target = folder(`layers/${name}`);
      const source = makeErofs(name, `from ${name}`);
      await launcher.mount({ fstype: 'erofs', attributes: MOUNT_ATTR_RDONLY, options: [['ro', null], ['source', source]], target }); // biome-ignore format: one line
      layers.unshift(target);
    }
    const target = folder('merged');
    await launcher.mount({
      fstype: 'overlay',
      options: [
        ['source', 'overlay'],
        ...layers.map((layer): [string, string] => ['lowerdir+', layer]),
        ['upperdir', folder('upper')],
        ['workdir', folder('work')],
      ],
      target,
    });
    assert.equal(readFileSync(join(target, 'base'), 'utf8'), 'from base');
    writeFileSync(join(target, 'new'), 'written');
    assert.deepEqual(readdirSync(target).sort(), ['base', 'new', 'top']);
    assert.deepEqual(readdirSync(join(home, 'upper')), ['new']);
    for (const mounted of [target, ...layers]) await launcher.unmount(mounted);
    assert.deepEqual(mountsUnder(`${home}/`), []);
  });

  test('paths longer than an option value can hold (255 bytes) work', async () => {
    const { launcher } = server;
    const deep = folder(Array.from({ length: 6 }, (_, i) => `${i}`.repeat(60)).join('/'));
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(deep, name));
    const target = folder('deep-merged');
    const options = ['lowerdir+=lower', 'upperdir=upper', 'workdir=work'].map((option): [string, string] => {
      const [key, name] = option.split('=') as [string, string];
      return [key, join(deep, name)];
    });
    await launcher.mount({ fstype: 'overlay', options, target });
    writeFileSync(join(target, 'file'), '');
    await launcher.unmount(target);
    assert.deepEqual(readdirSync(join(deep, 'upper')), ['file']);
  });

  test('a refused mount names the operation, the target and what the kernel said', async () => {
    const { launcher } = server;
    const target = folder('nowhere');
    await assert.rejects(launcher.mount({ fstype: 'tmpfs', options: [['bogus', '1']], target }), (error: Error) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'EINVAL');
      assert.match(error.message, /^mounting tmpfs on .*nowhere failed: .*bogus=1.*Unknown parameter 'bogus'/);
      return true;
    });
    await assert.rejects(launcher.mount({ fstype: 'nosuchfs', options: [], target }), {
      code: 'ENODEV',
      kind: 'system',
    });
    await assert.rejects(launcher.mount({ fstype: 'tmpfs', options: [], target: `${target}/missing` }), {
      code: 'ENOENT',
    });
    assert.deepEqual(mountsUnder(target), []);
  });

  test('a bind mount is read-only when asked, and only there', async () => {
    const { launcher } = server;
    const source = folder('source');
    const target = folder('readonly');
    await launcher.bind({ source, target, attributesSet: MOUNT_ATTR_RDONLY, propagation: MS_PRIVATE });
    assert.throws(() => writeFileSync(join(target, 'file'), ''), { code: 'EROFS' });
    writeFileSync(join(source, 'file'), 'seen');
    assert.equal(readFileSync(join(target, 'file'), 'utf8'), 'seen');
    await launcher.unmount(target);
  });

  test('a bind mount takes the mounts below along only when recursive', async () => {
    const { launcher } = server;
    const source = folder('outer');
    await launcher.mount({ fstype: 'tmpfs', options: [], target: folder('outer/inner') });
    writeFileSync(join(source, 'inner/file'), '');
    const target = folder('copy');
    await launcher.bind({ source, target });
    assert.deepEqual(readdirSync(join(target, 'inner')), []);
    await launcher.unmount(target);
    await launcher.bind({ source, target, recursive: true });
    assert.deepEqual(readdirSync(join(target, 'inner')), ['file']);
    await launcher.unmount(target, { detach: true });
    await launcher.unmount(join(source, 'inner'));
  });

  test('what is not mounted can be unmounted, what is busy cannot', async () => {
    const { launcher } = server;
    await launcher.unmount(folder('plain'));
    await launcher.unmount(join(home, 'missing'));
    const target = folder('busy');
    await launcher.mount({ fstype: 'tmpfs', options: [], target });
    const { pid } = await launcher.spawn({ argv: ['sleep', '60'], cwd: target });
    await assert.rejects(launcher.unmount(target), { code: 'EBUSY' });
    await launcher.unmount(target, { detach: true });
    process.kill(pid, 'SIGKILL');
  });

  test('what is busy for a moment only is unmounted after it', async () => {
    const { launcher } = server;
    const target = folder('looked-at');
    await launcher.mount({ fstype: 'tmpfs', options: [], target });
    const held = openSync(target, 'r');
    const unmounted = launcher.unmount(target);
    setTimeout(() => closeSync(held), 100);
    await unmounted;
    assert.deepEqual(mountsUnder(target), []);
  });
});
