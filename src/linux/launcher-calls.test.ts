import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { spawnLauncher } from '#test/support/launcher.ts';
import { AT_FDCWD, addCall, type Call, MAX_OUTPUT, none, O_CLOEXEC, type Register } from './launcher-calls.ts';
import { createReplyDecoder, encodeRequest, NO_CALL, type Reply } from './launcher-wire.ts';

const { ECANCELED, ENOENT, ENOTDIR } = constants.errno;
const O_RDWR = 2;
const O_CREAT = 0o100;

describe('the calls of a request', () => {
  const server = spawnLauncher();
  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  let home: string;
  let calls: Call[];
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'wherry-calls-'));
    const decode = createReplyDecoder();
    server.stream.on('data', (chunk: Buffer) => {
      for (const reply of decode(chunk)) waiting.get(reply.id)?.(reply);
    });
  });
  beforeEach(() => {
    calls = [];
  });
  after(async () => {
    server.stream.destroy();
    assert.equal(await server.ended, 0);
    rmSync(home, { recursive: true });
  });

  function sendFrame(frame: Buffer): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    waiting.set(frame.readUInt32LE(4), resolve);
    server.stream.write(frame);
    return promise;
  }

  const send = () => sendFrame(encodeRequest(++lastId, calls));
  const values = ({ results }: Reply) => results.map(({ value }) => value);
  const create = (name: string) =>
    addCall(calls, '', 'openat', [AT_FDCWD, join(home, name), O_RDWR | O_CREAT | O_CLOEXEC, 0o600]);
  const remove = (name: string, options = {}) =>
    addCall(calls, '', 'unlinkat', [AT_FDCWD, join(home, name), 0], options);

  test('each gives its result, and to those behind it the descriptor that it opened', async () => {
    const file = create('results');
    addCall(calls, '', 'pwrite', [file, Buffer.from('some text'), 0]);
    addCall(calls, '', 'read', [file, 4]);
    const { errno, results } = await send();
    assert.equal(errno, 0);
    assert.equal(results[1]!.value, 9);
    assert.equal(results[2]!.output.toString(), 'some text', 'read again to the end');
  });

  test('behind one that failed none is made but what undoes those that have not failed', async () => {
    const first = create('first');
    const missing = remove('missing');
    const second = create('second');
    remove('first', { undoes: first });
    remove('missing', { undoes: missing });
    remove('second', { undoes: second });
    const reply = await send();
    assert.deepEqual([reply.errno, reply.failed, reply.name], [ENOENT, 1, 'ENOENT']);
    assert.equal(reply.text, 'No such file or directory');
    assert.deepEqual(values(reply).slice(1), [-ENOENT, -ECANCELED, 0, -ECANCELED, -ECANCELED]);
    assert.deepEqual(['first', 'second'].map((name) => existsSync(join(home, name))), [false, false]); // biome-ignore format: one line
  });

  test('nothing is undone when none has failed, and the first failure is the one that is told', async () => {
    const kept = create('kept');
    remove('kept', { undoes: kept });
    assert.deepEqual(values(await send()).slice(1), [-ECANCELED]);
    assert.ok(existsSync(join(home, 'kept')));
    remove('kept/not-a-folder');
    remove('gone', { undoes: kept });
    const reply = await send();
    assert.deepEqual([reply.errno, reply.failed], [ENOTDIR, 2]);
    assert.deepEqual(values(reply).slice(3), [-ENOENT]);
  });

  test('an errno that is fine is no failure, and what was not opened is no descriptor', async () => {
    const missing = addCall(calls, '', 'openat', [AT_FDCWD, join(home, 'missing'), 0, 0], { fine: [ENOTDIR, ENOENT] });
    remove('missing', { fine: [ENOENT] });
    assert.deepEqual([(await send()).errno, ...values(await send())], [0, -ENOENT, -ENOENT]);
    addCall(calls, '', 'fchmod', [missing, 0o600]);
    addCall(calls, '', 'fchmod', [none, 0o600]);
    assert.equal((await send()).name, 'EBADF');
  });

  test('what a request opens is closed before its reply, also when it failed', async () => {
    const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
    const count = open();
    for (const fails of [false, true]) {
      create('open');
      addCall(calls, '', 'memfd_create', ['m', 1]);
      addCall(calls, '', 'socket', [1, 1 | O_CLOEXEC, 0]);
      if (fails) remove('missing');
      assert.equal((await send()).errno !== 0, fails);
      assert.equal(open(), count);
      calls = [];
    }
  });

  const malformed: Record<string, (file: Register) => void> = {
    'the result of a call that comes later': () => addCall(calls, '', 'fchmod', [{ index: 2 }, 0]),
    'the result of a call that opens nothing': () => {
      const { index } = remove('anything');
      addCall(calls, '', 'fchmod', [{ index }, 0]);
    },
    'a descriptor of the launcher': () => addCall(calls, '', 'fchmod', [{ index: -3 }, 0]),
    'a bigger output than there may be': (file) => addCall(calls, '', 'read', [file, MAX_OUTPUT + 1]),
    'the undoing of what comes later': () => remove('anything', { undoes: { index: 3 } }),
    'a call that there is not': (file) => calls.push({ name: 'reboot', label: '', arguments: [file] }),
    'a text that does not end': () => calls.push({ name: 'chdir', label: '', arguments: [Buffer.from('/')] }),
    'a text with a NUL in it': () => calls.push({ name: 'chdir', label: '', arguments: [Buffer.from('/\0x\0')] }),
    'an absent text': () => calls.push({ name: 'chdir', label: '', arguments: [null] }),
    'an argument too few': (file) => calls.push({ name: 'fchmod', label: '', arguments: [file] }),
    'bytes that are longer than the request': (file) => calls.push({ name: 'send', label: '', arguments: [file, 99] }),
  };
  for (const [what, add] of Object.entries(malformed)) {
    test(`a request with ${what} is refused, and none of its calls is made`, async () => {
      add(create('never'));
      const { name, failed, results } = await send();
      assert.deepEqual([name, failed, results], ['EBADMSG', NO_CALL, []]);
      assert.equal(existsSync(join(home, 'never')), false);
    });
  }

  test('outputs that are more than a reply can hold are refused', async () => {
    const endless = addCall(calls, '', 'openat', [AT_FDCWD, '/dev/zero', O_CLOEXEC, 0]);
    addCall(calls, '', 'read', [endless, MAX_OUTPUT]);
    const { name, failed, results } = await send();
    assert.deepEqual([name, failed, results], ['EMSGSIZE', NO_CALL, []]);
  });

  test('a request without calls is answered', async () => {
    assert.deepEqual((await send()).results, []);
  });

  test('a list of texts that is none starts nothing', async () => {
    for (const argv of ['', 'true']) {
      calls = [{ name: 'run', label: '', arguments: [Buffer.from(argv), none, none, none, none, -1] }];
      assert.equal((await send()).name, 'EBADMSG');
    }
  });

  test('a descriptor is named in bytes only where they have room for it', async () => {
    for (const offset of [-1, 1, 0x7fffffff, -0x80000000]) {
      calls = [];
      const file = create('named');
      addCall(calls, '', 'send', [file, Buffer.alloc(4), file, offset]);
      assert.equal((await send()).name, 'EBADMSG');
    }
  });

  test('a key is held once, and what is written is given up to its end', async () => {
    writeFileSync(join(home, 'text'), 'before');
    const file = create('text');
    addCall(calls, '', 'keep', ['key', file, 0]);
    addCall(calls, '', 'written', [file, MAX_OUTPUT, 0]);
    addCall(calls, '', 'keep', ['key', file, 0]);
    addCall(calls, '', 'release', ['key'], { undoes: file });
    const { name, failed, results } = await send();
    assert.deepEqual([name, failed, results[2]!.output.length], ['EEXIST', 3, 0]);
    assert.equal(results[4]!.value, 0);
  });
});
