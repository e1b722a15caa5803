import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountInfo, readMountInfo } from './mountinfo.ts';

test('a line with escapes, several propagation fields and a source with spaces', () => {
  const line =
    '36 35 98:0 /a\\040b /mnt\\040two\\134\\011x rw,noatime shared:1 master:2 - ext3.x /dev/ro\\043ot rw,errors=continue\n';
  assert.deepEqual(parseMountInfo(line), [
    {
      id: 36,
      parentId: 35,
      device: '98:0',
      root: '/a b',
      mountPoint: '/mnt two\\\tx',
      options: ['rw', 'noatime'],
      propagation: ['shared:1', 'master:2'],
      fstype: 'ext3.x',
      source: '/dev/ro#ot',
      superOptions: 'rw,errors=continue',
    },
  ]);
});

test('a private mount without a source', () => {
  const [mount] = parseMountInfo('1 0 0:5 / /dev rw -  none rw');
  assert.deepEqual([mount!.propagation, mount!.fstype, mount!.source], [[], '', 'none']);
});

test('a line of another form is an error', () => {
  assert.throws(() => parseMountInfo('1 0 0:5 / /dev rw shared:1'), RangeError);
});

test('every process has a root', async () => {
  for (const pid of ['self', process.pid, 1] as const) {
    const mounts = await readMountInfo(pid);
    assert.ok(mounts.some(({ mountPoint }) => mountPoint === '/'));
  }
});
