import assert from 'node:assert/strict';
import { test } from 'node:test';
import { invalid } from '#errors/errors.ts';
import { encodeAccessAcl, encodeDefaultAcl } from './acl.ts';
import { makeDirectory, makeNode } from './layer-node.ts';

const [USER_OBJ, USER, GROUP_OBJ, MASK, OTHER] = [1, 2, 4, 16, 32] as const;

function acl(...entries: [tag: number, permissions: number, id?: number][]): Buffer {
  const list = Buffer.alloc(4 + 8 * entries.length);
  list.writeUInt32LE(2, 0);
  for (const [n, [tag, permissions, id = 0xffffffff]] of entries.entries()) {
    list.writeUInt16LE(tag, 4 + 8 * n);
    list.writeUInt16LE(permissions, 6 + 8 * n);
    list.writeUInt32LE(id, 8 + 8 * n);
  }
  return list;
}

const file = makeNode(0o100750);
const refuse = (problem: string) => invalid(problem);

test("the file's permissions go into owner, mask and others, as chmod does", () => {
  const before = acl([USER_OBJ, 6], [USER, 7, 1000], [GROUP_OBJ, 4], [MASK, 7], [OTHER, 4]);
  const after = acl([USER_OBJ, 7], [USER, 7, 1000], [GROUP_OBJ, 4], [MASK, 5], [OTHER, 0]);
  assert.deepEqual(encodeAccessAcl(file, before, refuse), after);
});

test('a list that says no more than the permissions is left out', () => {
  assert.equal(encodeAccessAcl(file, acl([USER_OBJ, 7], [GROUP_OBJ, 7], [OTHER, 7]), refuse), undefined);
  assert.equal(encodeAccessAcl(file, acl(), refuse), undefined);
});

test('a default list belongs to a directory, as it is', () => {
  const list = acl([USER_OBJ, 7], [USER, 7, 5], [GROUP_OBJ, 7], [MASK, 7], [OTHER, 7]);
  assert.deepEqual(encodeDefaultAcl(makeDirectory(), list, refuse), list);
  assert.throws(() => encodeDefaultAcl(file, list, refuse), /no directory/);
});

test('what setxattr would refuse is refused', () => {
  const lists = [
    Buffer.alloc(0),
    Buffer.alloc(5),
    Buffer.from([1, 0, 0, 0]),
    acl([USER_OBJ, 7], [GROUP_OBJ, 7]),
    acl([GROUP_OBJ, 7], [USER_OBJ, 7], [OTHER, 7]),
    acl([USER_OBJ, 7], [USER, 7, 5], [GROUP_OBJ, 7], [OTHER, 7]),
    acl([USER_OBJ, 8], [GROUP_OBJ, 7], [OTHER, 7]),
    acl([USER_OBJ, 7], [GROUP_OBJ, 7], [64, 7], [OTHER, 7]),
  ];
  for (const list of lists) assert.throws(() => encodeAccessAcl(file, list, refuse), /malformed/);
});
