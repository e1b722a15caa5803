import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goFileMode } from './go-file-mode.ts';

test('modes are told as dockerd 26.1.5 told them', () => {
  assert.equal(goFileMode(0o120777), 134218239);
  assert.equal(goFileMode(0o040755), 2147484141);
  assert.equal(goFileMode(0o100644), 420);
  assert.equal(goFileMode(0o041777), 2148532735);
  assert.equal(goFileMode(0o020666), 69206454);
  assert.equal(goFileMode(0o106755), 12583405);
});
