import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { ProgramError, run, start } from './run.ts';

test('a program reads its input and gives its output', async () => {
  assert.equal((await run('cat', [], { stdin: 'some text' })).toString(), 'some text');
  assert.equal((await run('echo', ['a b', '$HOME'])).toString(), 'a b $HOME\n');
});

test('a failure tells the command, the exit code and the end of standard error', async () => {
  await assert.rejects(run('sh', ['-c', 'echo no luck >&2; exit 3']), (error) => {
    assert.ok(error instanceof ProgramError);
    assert.equal(error.exitCode, 3);
    assert.equal(error.stderr, 'no luck');
    assert.match(error.message, /`sh -c .*` failed with exit code 3: no luck/);
    return true;
  });
  await assert.rejects(run('sh', ['-c', 'kill -TERM $$']), (error) => {
    assert.ok(error instanceof ProgramError);
    assert.equal(error.signal, 'SIGTERM');
    return true;
  });
});

test('only the tail of a flood of errors is kept', async () => {
  await assert.rejects(run('sh', ['-c', 'yes error | head -c 1000000 >&2; echo the end >&2; exit 1']), (error) => {
    assert.ok(error instanceof ProgramError);
    assert.ok(error.stderr.length <= 4096);
    assert.ok(error.stderr.endsWith('the end'));
    return true;
  });
});

test('a missing program is named, with what to do', async () => {
  await assert.rejects(run('wherry-no-such-program', ['-x']), (error) => {
    assert.ok(error instanceof ProgramError);
    assert.equal(error.code, 'ENOENT');
    assert.match(error.message, /wherry-no-such-program/);
    assert.match(error.hint ?? '', /Install/);
    return true;
  });
});

test('an abort ends the program', async () => {
  const abort = new AbortController();
  const child = start('sleep', ['1000'], { signal: abort.signal });
  abort.abort();
  await assert.rejects(child.done, (error) => isEngineError(error, 'cancelled'));
  assert.throws(() => process.kill(child.pid!, 0), { code: 'ESRCH' });
});

test('a program that ends without reading its input succeeds', async () => {
  assert.equal((await run('true', [], { stdin: Buffer.alloc(1 << 20) })).length, 0);
});

test('output beyond the limit fails and ends the program', async () => {
  await assert.rejects(run('yes', [], { maxOutput: 1000 }), { code: 'OUTPUT_TOO_LONG' });
});

test('a program writes to a descriptor by itself', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-run-'));
  const fd = openSync(join(folder, 'out'), 'w');
  try {
    await start('echo', ['direct'], { stdout: fd }).done;
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), 'direct\n');
  } finally {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});
