import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError, invalid, isEngineError } from '#errors/errors.ts';
import { portableError, reviveError } from './worker-errors.ts';

test('an EngineError comes back whole from another thread', () => {
  const error = invalid('no tar', { code: 'TAR_INVALID', hint: 'use a tar', cause: new Error('because') });
  const revived = reviveError(structuredClone(portableError(error))) as EngineError;
  assert.ok(isEngineError(revived, 'invalid'));
  const { message, code, hint, cause } = revived;
  assert.deepEqual([message, code, hint], ['no tar', 'TAR_INVALID', 'use a tar']);
  assert.equal((cause as Error).message, 'because');
});

test('so does one whose class is a copy, as in a built worker', () => {
  class Copy extends Error {
    readonly kind = 'invalid';
    readonly code = 'TAR_INVALID';
    readonly hint = undefined;
  }
  const revived = reviveError(structuredClone(portableError(new Copy('no tar'))));
  assert.ok(isEngineError(revived, 'invalid') && revived.code === 'TAR_INVALID');
});

test('other errors stay what they are', () => {
  const revived = reviveError(portableError(Object.assign(new Error('gone'), { code: 'ENOENT' })));
  assert.ok(!(revived instanceof EngineError));
  assert.equal((revived as NodeJS.ErrnoException).code, 'ENOENT');
});
