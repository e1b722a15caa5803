import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detachFilter, parseDetachKeys } from './detach-keys.ts';

async function type(keys: string, chunks: string[]): Promise<{ out: string; detached: number }> {
  let detached = 0;
  const filter = detachFilter(parseDetachKeys(keys), () => detached++);
  for (const chunk of chunks) filter.write(chunk);
  filter.end();
  let out = '';
  for await (const chunk of filter) out += chunk;
  return { out, detached };
}

test('keys are recognised across chunks and swallow what follows', async () => {
  assert.deepEqual(await type('ctrl-p,ctrl-q', ['ls\x10', '\x11rm']), { out: 'ls', detached: 1 });
});

test('a broken sequence is passed on whole', async () => {
  assert.deepEqual(await type('ctrl-p,ctrl-q', ['\x10x\x10\x10y']), { out: '\x10x\x10\x10y', detached: 0 });
  assert.deepEqual(await type('a,a,b', ['ac', 'a']), { out: 'aca', detached: 0 });
});

test('keys have names', () => {
  assert.deepEqual([...parseDetachKeys('a,ctrl-a,ctrl-[,ctrl-@')], [97, 1, 27, 0]);
  assert.throws(() => parseDetachKeys('ctrl-!'), /Invalid detach keys/);
});
