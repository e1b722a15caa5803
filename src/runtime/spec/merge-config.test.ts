import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { mergeConfig } from './merge-config.ts';

const IMAGE = { Entrypoint: ['entry'], Cmd: ['command'] };
const merged = (Entrypoint: string[] | null, Cmd: string[] | null) => {
  const config = mergeConfig({ ...EMPTY_CONFIG, Entrypoint, Cmd }, IMAGE);
  return [config.Entrypoint, config.Cmd];
};

test('an entrypoint of its own drops the image’s command; an empty list drops the entrypoint alone', () => {
  assert.deepEqual(merged(null, null), [['entry'], ['command']]);
  assert.deepEqual(merged(null, ['own']), [['entry'], ['own']]);
  assert.deepEqual(merged(['other'], null), [['other'], null]);
  assert.deepEqual(merged([''], ['own']), [null, ['own']]);
  assert.deepEqual(merged([], null), [[], ['command']]);
  assert.deepEqual(merged([], ['own']), [[], ['own']]);
});
