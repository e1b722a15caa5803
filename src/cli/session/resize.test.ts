import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TerminalSize } from '#api/client/containers.ts';
import type { Context } from '../command.ts';
import { followSize } from './resize.ts';

test('a size waits for the one before it, and is the newest when its turn comes', async () => {
  const stdout = Object.assign(new PassThrough(), { rows: 24, columns: 80 });
  const asked: { size: TerminalSize; done: () => void }[] = [];
  const stop = followSize({ stdout } as Partial<Context> as Context, (size) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    asked.push({ size, done: resolve });
    return promise;
  });
  for (const rows of [30, 40]) {
    stdout.rows = rows;
    stdout.emit('resize');
  }
  await turn();
  assert.deepEqual(
    asked.map(({ size }) => size.rows),
    [24],
  );
  for (let turns = 0; turns < 3; turns++) {
    asked.at(-1)!.done();
    await turn();
  }
  assert.deepEqual(
    asked.map(({ size }) => size.rows),
    [24, 40, 40],
  );
  stop();
  stdout.emit('resize');
  await turn();
  assert.equal(asked.length, 3);
});
