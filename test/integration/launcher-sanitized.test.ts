import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

test('the tests of the launcher pass with the address and undefined-behaviour sanitizers', () => {
  const root = join(import.meta.dirname, '../..');
  const files = [...globSync('src/linux/launcher*.test.ts', { cwd: root }), 'test/integration/launcher-engine.test.ts'];
  const built = spawnSync('make', ['-s', '-C', 'native', 'build/asan/wherry-launcher'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(built.status, 0, built.stderr);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const argv = ['--disable-warning=ExperimentalWarning', '--test', ...files];
  const options = { cwd: root, env: { ...env, WHERRY_TEST_ASAN: '1' }, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, options);
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /pass [1-9]/);
});
