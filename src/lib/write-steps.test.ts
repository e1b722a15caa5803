import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultFile } from '#test/support/daemon.ts';
import { visitSteps } from '#test/support/faults.ts';
import { WRITE_STEPS, type WriteStep } from './write-steps.ts';

test('steps that threads pass at the same time are each visited once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-write-steps-'));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/passing-threads.ts')], {
    env: { ...process.env, WHERRY_FAULT_FILE: faultFile(folder) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    const passing = { folder, enginePid: async () => child.pid! };
    const visited: WriteStep[] = [];
    const verb = async () => {
      child.stdin.write('go\n');
      await once(child, 'exit');
    };
    await visitSteps(
      passing,
      verb,
      async (step) => void visited.push(step),
      async () => {},
    );
    assert.deepEqual(visited.sort(), [...WRITE_STEPS].sort());
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});
