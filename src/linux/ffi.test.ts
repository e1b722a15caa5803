import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { getXattr, listXattrs, lockFile, setXattr } from './ffi.ts';

describe('system calls through the FFI', () => {
  let home: string;
  let file: Buffer;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'wherry-ffi-'));
    file = Buffer.concat([Buffer.from(join(home, 'f')), Buffer.from([0xff])]);
    writeFileSync(file, '');
  });
  after(() => rmSync(home, { recursive: true }));

  test('extended attributes hold any bytes, on paths of any bytes', () => {
    const value = Buffer.from([0, 1, 255]);
    assert.equal(getXattr(file, 'user.a'), undefined);
    setXattr(file, 'user.a', value);
    setXattr(file, 'user.empty', Buffer.alloc(0));
    assert.deepEqual(getXattr(file, 'user.a'), value);
    assert.deepEqual(getXattr(file, 'user.empty'), Buffer.alloc(0));
    assert.deepEqual(listXattrs(file).sort(), ['user.a', 'user.empty']);
  });

  test('a link is not followed', () => {
    const link = Buffer.from(join(home, 'link'));
    symlinkSync(file, link);
    setXattr(link, 'trusted.of-link', Buffer.from('x'));
    assert.deepEqual(listXattrs(link), ['trusted.of-link']);
    assert.ok(!listXattrs(file).includes('trusted.of-link'));
  });

  test('a failure has the name of its errno', () => {
    const missing = Buffer.from(join(home, 'missing'));
    assert.throws(() => getXattr(missing, 'user.a'), { code: 'ENOENT', kind: 'system' });
    assert.throws(() => listXattrs(missing), { code: 'ENOENT' });
    assert.throws(() => setXattr(file, 'nonsense', Buffer.alloc(0)), { code: 'ENOTSUP' });
    assert.deepEqual(getXattr(Buffer.from('/proc/self/status'), 'user.a'), undefined);
  });

  test('a locked file cannot be locked through another open file until that is closed', () => {
    const path = join(home, 'lock');
    const [first, second] = [openSync(path, 'w'), openSync(path, 'w')];
    assert.equal(lockFile(first), true);
    assert.equal(lockFile(second), false);
    closeSync(first);
    assert.equal(lockFile(second), true);
    closeSync(second);
    assert.throws(() => lockFile(second), { code: 'EBADF' });
  });

  test('workers read their own errno', async () => {
    const script = `
      const { getXattr } = await import(${JSON.stringify(join(import.meta.dirname, 'ffi.ts'))});
      for (let i = 0; i < 2000; i++) {
        try { getXattr(Buffer.from('/nowhere'), 'user.a'); } catch (error) { if (error.code !== 'ENOENT') throw error; }
        if (getXattr(Buffer.from('/proc/self/status'), 'user.a') !== undefined) throw new Error('a value');
      }`;
    const codes = [0, 1].map(
      () =>
        new Promise((resolve) => new Worker(`void (async () => {${script}})()`, { eval: true }).on('exit', resolve)),
    );
    assert.deepEqual(await Promise.all(codes), [0, 0]);
  });
});
