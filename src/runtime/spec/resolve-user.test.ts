import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { DOCKERD_CASES } from '#test/support/dockerd-cases.ts';
import fc from '#test/support/property.ts';
import { parseGroup, parsePasswd } from './passwd.ts';
import { findUser, resolveUser } from './resolve-user.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-user-'));
after(() => rm(folder, { recursive: true }));

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n';
const GROUP = 'root:x:0:\nbob:x:1000:\nwheel:x:10:root,bob\nstaff:x:20:bob\n';

async function rootfs(name: string, passwd?: string, group?: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'etc'), { recursive: true });
  if (passwd !== undefined) await writeFile(join(root, 'etc/passwd'), passwd);
  if (group !== undefined) await writeFile(join(root, 'etc/group'), group);
  return root;
}

for (const { name, config, hostConfig, startError } of DOCKERD_CASES) {
  if (!startError || !/^(user|group|groupadd)-/.test(name)) continue;
  test(`refused with dockerd's words: ${name}`, async () => {
    const root = await rootfs('refuse', PASSWD, GROUP);
    await assert.rejects(resolveUser(root, config?.User ?? '', hostConfig?.GroupAdd), {
      kind: 'invalid',
      message: startError,
    });
  });
}

test('the home is that of the passwd file, or the root', async () => {
  const root = await rootfs('home', PASSWD, GROUP);
  assert.equal((await resolveUser(root, 'bob')).home, '/home/bob');
  assert.equal((await resolveUser(root, '4242')).home, '/');
});

test('an image without passwd and group files knows numbers and root', async () => {
  const root = await rootfs('empty');
  assert.deepEqual(await resolveUser(root, ''), { uid: 0, gid: 0, additionalGids: [0], home: '/' });
  assert.deepEqual(await resolveUser(root, '7:8', ['9']), { uid: 7, gid: 8, additionalGids: [8, 9], home: '/' });
  await assert.rejects(resolveUser(root, 'bob'), /no matching entries in passwd file/);
});

test('a link is followed inside the image only', async () => {
  const root = await rootfs('link', undefined, GROUP);
  await symlink('/../../../../../../etc/passwd-elsewhere', join(root, 'etc/passwd'));
  await writeFile(join(root, 'etc/passwd-elsewhere'), 'inside:x:77:88::/in:/bin/sh\n');
  assert.equal((await resolveUser(root, 'inside')).uid, 77);
});

test('a pipe or a folder in place of the file is no file, and nobody waits for it', async () => {
  const root = await rootfs('pipe');
  execFileSync('mkfifo', [join(root, 'etc/passwd')]);
  await mkdir(join(root, 'etc/group'));
  assert.equal((await resolveUser(root, '5')).uid, 5);
});

test('any user text is a user with ids in range or an invalid request', () => {
  const passwd = parsePasswd(PASSWD);
  const groups = parseGroup(GROUP);
  const part = fc.oneof(fc.constantFrom('bob', 'root', 'wheel', '0', '-1', '2147483648', '+5', ''), fc.string());
  fc.assert(
    fc.property(part, part, fc.array(part, { maxLength: 3 }), (user, group, added) => {
      try {
        const found = findUser(passwd, groups, `${user}:${group}`, added);
        for (const id of [found.uid, found.gid, ...found.additionalGids]) assert.ok(id >= 0 && id < 2 ** 31);
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'), String(error));
      }
    }),
  );
});
