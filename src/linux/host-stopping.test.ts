import assert from 'node:assert/strict';
import { test } from 'node:test';
import { system } from '#errors/errors.ts';
import { hostIsStopping } from './host-stopping.ts';
import type { RunRequest } from './launcher-types.ts';

/** A machine whose programs print that; the others are not there. */
const machine = (answers: Record<string, string>) =>
  hostIsStopping({
    async run({ argv }: RunRequest) {
      const answer = answers[argv[0]!];
      if (answer === undefined) throw system(`starting ${argv[0]}: No such file or directory`, { code: 'ENOENT' });
      return { code: 1, signal: null, stdout: Buffer.from(`${answer}\n`), stderr: Buffer.alloc(0) };
    },
  });

test('what the service manager says of the machine', async () => {
  assert.equal(await machine({ systemctl: 'stopping' }), true);
  for (const state of ['running', 'degraded', 'starting', 'maintenance', 'offline', 'unknown', '']) {
    assert.equal(await machine({ systemctl: state }), false, state);
  }
  assert.equal(await machine({ runlevel: '5 6' }), true);
  assert.equal(await machine({ runlevel: 'N 0', systemctl: 'offline' }), true);
  for (const level of ['N 5', '5 1', 'unknown']) assert.equal(await machine({ runlevel: level }), false, level);
  assert.equal(await machine({}), false);
});
