import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { resolveInRoot } from './resolve-in-root.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-root-'));
const root = join(folder, 'root');
after(() => rm(folder, { recursive: true }));

await mkdir(join(root, 'etc'), { recursive: true });
await mkdir(join(root, 'data/sub'), { recursive: true });
await writeFile(join(root, 'file'), '');
await writeFile(join(folder, 'secret'), '');
await symlink('/etc', join(root, 'absolute'));
await symlink('../../../../secret', join(root, 'climbing'));
await symlink('sub', join(root, 'data/beside'));
await symlink('loop', join(root, 'loop'));
await symlink(join(folder, 'secret'), join(root, 'data/sub/out'));

const expected: Record<string, string> = {
  '/': '',
  '/etc/passwd': 'etc/passwd',
  'etc/./passwd': 'etc/passwd',
  '/absolute/passwd': 'etc/passwd',
  '/climbing': 'secret',
  '/data/beside/x': 'data/sub/x',
  '/data/sub/../../../..': '',
  '/absolute/../file': 'file',
  '/missing/../../etc': 'etc',
  '/data/sub/out': `${folder.slice(1)}/secret`,
  '/file/below': 'file/below',
};

for (const [path, inside] of Object.entries(expected)) {
  test(`${path} is ${inside || 'the root'} inside`, async () => {
    assert.equal(await resolveInRoot(root, path), join(root, inside));
  });
}

test('a loop of links is an invalid request', async () => {
  await assert.rejects(resolveInRoot(root, '/loop/x'), { kind: 'invalid' });
});

test('no path leads out of the root', async () => {
  const part = fc.constantFrom(
    '..',
    '.',
    '',
    'etc',
    'data',
    'sub',
    'beside',
    'absolute',
    'climbing',
    'out',
    'loop',
    'x',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
      try {
        const resolved = await resolveInRoot(root, parts.join('/'));
        assert.ok(resolved === root || resolved.startsWith(`${root}/`), resolved);
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'), String(error));
      }
    }),
    { numRuns: 200 },
  );
});
