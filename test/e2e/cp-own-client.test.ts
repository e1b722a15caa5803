/** `wherry cp` between the two programs: daemons that mean no good, bodies in every form, and ends in the middle. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { processesNaming } from '#test/support/processes.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';
import { openTerminal } from '#test/support/terminal.ts';

const wherry = join(import.meta.dirname, '../../bin/wherry');
const MEGABYTE = 1 << 20;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-own-cp-'));
});
after(() => rm(folder, { recursive: true }));

/** Bytes that are not the same anywhere. */
function content(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0, value = size; at + 4 <= size; at += 4, value = (value * 1664525 + 1013904223) >>> 0)
    bytes.writeUInt32LE(value, at);
  return bytes;
}

async function noProgram(...texts: string[]): Promise<void> {
  for (let tries = 0; (await processesNaming('wherry-tree', ...texts)).length > 0; tries++) {
    assert.ok(tries < 500, 'the tree program goes on');
    await sleep(20);
  }
}

describe('out of a daemon that answers anything', () => {
  const socketPath = () => join(folder, 'sock');
  let target: string;
  let answer: (response: ServerResponse) => void;
  const server = createServer((_, response) => answer(response));

  before(() => new Promise<void>((resolve) => server.listen(socketPath(), resolve)));
  after(() => server.close());
  beforeEach(async () => {
    await rm(join(folder, 'room'), { recursive: true, force: true });
    target = join(folder, 'room/target');
    await mkdir(target, { recursive: true });
    await writeFile(join(folder, 'room/secret'), 'secret');
  });

  const isFolder = 2 ** 31 + 0o755;
  const head = (response: ServerResponse, more = {}, mode = isFolder) => {
    const told = { name: 'x', size: 0, mode, mtime: '2026-01-01T00:00:00Z', linkTarget: '' };
    const field = Buffer.from(JSON.stringify(told)).toString('base64');
    response.writeHead(200, { 'Api-Version': '1.51', 'X-Docker-Container-Path-Stat': field, ...more });
  };

  /** What `wherry cp box:/x TARGET` says; the code is its last line. */
  async function copy(to = target): Promise<string> {
    const argv = ['-H', `unix://${socketPath()}`, 'cp', 'box:/x', to];
    const { stderr, code } = await promisify(execFile)(wherry, argv)
      .then((said) => ({ ...said, code: 0 }))
      .catch((failed) => failed as { stderr: string; code: number });
    await noProgram(folder);
    return `${stderr}${code}`;
  }

  const answerTar = (entries: TarEntry[]) => {
    answer = (response) => {
      head(response);
      response.end(makeTar(entries));
    };
  };

  /** Nothing but the target has changed. */
  async function isConfined(): Promise<void> {
    assert.deepEqual(await readdir(join(folder, 'room')), ['secret', 'target']);
    const secret = await stat(join(folder, 'room/secret'));
    assert.deepEqual([secret.mode & 0o7777, secret.nlink], [0o644, 1]);
    assert.equal(await readFile(join(folder, 'room/secret'), 'utf8'), 'secret');
  }

  const dir = { name: 'x', type: 'dir' } as const;
  const hostile: [string, RegExp, ...TarEntry[]][] = [
    ['a name that leads out', /is outside of/, dir, { name: 'x/../../evil', body: 'evil' }],
    ['a name that leads out of a folder that is none', /is outside of/, { name: '../evil', body: 'evil' }],
    [
      'a file behind a link',
      /is no folder: nothing is written through it/,
      dir,
      { name: 'x/l', type: 'symlink', linkName: '../..' },
      { name: 'x/l/evil', body: 'evil' },
    ],
    [
      'a folder behind a link',
      /is no folder: nothing is written through it/,
      dir,
      { name: 'x/l', type: 'symlink', linkName: '/' },
      { name: 'x/l/evil/', type: 'dir' },
    ],
    [
      'a folder in the place of a link',
      /cannot overwrite non-directory "\S+\/target\/x\/l" with directory "\S+\/target"/,
      dir,
      { name: 'x/l', type: 'symlink', linkName: '../..' },
      { name: 'x/l/', type: 'dir', mode: 0o777 },
    ],
    ['a hard link to what is outside', /invalid hardlink/, dir, { name: 'x/h', type: 'link', linkName: '../secret' }],
    [
      'a hard link through a link',
      /invalid hardlink|symbolic links/,
      dir,
      { name: 'x/l', type: 'symlink', linkName: '../..' },
      { name: 'x/h', type: 'link', linkName: 'x/l/secret', mode: 0o777 },
    ],
    ['a file behind a file', /is no folder/, dir, { name: 'x/f', body: 'f' }, { name: 'x/f/evil', body: 'evil' }],
    [
      'a file in the place of a folder',
      /cannot overwrite directory "\S+\/target\/x" with non-directory "\S+\/target"/,
      dir,
      { name: 'x', body: 'f' },
    ],
  ];
  for (const [what, message, ...entries] of hostile)
    test(`${what} is refused`, async () => {
      answerTar(entries);
      assert.match(await copy(), message);
      await isConfined();
    });

  test('links and modes of links change nothing outside', async () => {
    answerTar([
      dir,
      { name: 'x/l', type: 'symlink', linkName: '../../secret', mode: 0o777, mtime: 1 },
      { name: 'x/h', type: 'link', linkName: 'x/l', mode: 0o777, pax: { 'SCHILY.xattr.user.note': 'x' } },
    ]);
    await copy();
    await isConfined();
  });

  test('a link that is there already is replaced, or not passed', async () => {
    await mkdir(join(target, 'x'));
    await symlink('../../secret', join(target, 'x/f'));
    await symlink('../..', join(target, 'x/l'));
    answerTar([dir, { name: 'x/f', body: 'mine' }]);
    assert.equal(await copy(), '0');
    assert.equal(await readFile(join(target, 'x/f'), 'utf8'), 'mine');
    assert.ok((await lstat(join(target, 'x/f'))).isFile());
    answerTar([dir, { name: 'x/l/evil', body: 'evil' }]);
    assert.match(await copy(), /is no folder/);
    await isConfined();
  });

  test('a folder that nobody may write in is filled, and is so in the end', async () => {
    answerTar([
      { ...dir, mode: 0o555, mtime: 1_000_000_000 },
      { name: 'x/f', mode: 0o400, body: 'f' },
    ]);
    assert.equal(await copy(), '0');
    const info = await stat(join(target, 'x'));
    assert.deepEqual([info.mode & 0o7777, info.mtimeMs], [0o555, 1e12]);
    await isConfined();
  });

  const big = content(5 * MEGABYTE + 77);
  const tar = makeTar([dir, { name: 'x/a', body: 'a' }, { name: 'x/big', body: big }, { name: 'x/z', body: 'z' }]);
  const arrived = async () => {
    assert.ok((await readFile(join(target, 'x/big'))).equals(big));
    assert.equal(await readFile(join(target, 'x/z'), 'utf8'), 'z');
  };

  for (const size of [511, 32_768, 65_537, 700_001, tar.length])
    test(`a body in chunks of ${size} bytes`, async () => {
      answer = async (response) => {
        head(response);
        for (let at = 0; at < tar.length; at += size) {
          const more = response.write(tar.subarray(at, at + size));
          if (!more) await new Promise((resolve) => response.once('drain', resolve));
        }
        response.end();
      };
      assert.equal(await copy(), '0');
      await arrived();
    });

  test('a body with a length, and one until the end of the connection', async () => {
    answer = (response) => {
      head(response, { 'Content-Length': tar.length });
      response.end(tar);
    };
    assert.equal(await copy(), '0');
    await arrived();
    answer = (response) => {
      response.useChunkedEncodingByDefault = false;
      response.removeHeader('Transfer-Encoding');
      head(response);
      response.end(tar);
    };
    assert.equal(await copy(), '0');
    await arrived();
  });

  test('an older daemon, which is asked again', async () => {
    answer = (response) => {
      if (!response.req.url!.startsWith('/v1.51/')) {
        head(response, { 'Api-Version': '1.41' });
        return response.end(tar);
      }
      response.writeHead(400, { 'Api-Version': '1.41', 'Content-Type': 'application/json' });
      response.end('{"message":"client version 1.51 is too new"}');
    };
    assert.equal(await copy(), '0');
    await arrived();
  });

  for (const [what, length] of Object.entries({ 'a large file': 2 * MEGABYTE, 'a header': 700 }))
    test(`a connection that ends within ${what} is told`, async () => {
      for (const more of [{}, { 'Content-Length': tar.length }]) {
        answer = (response) => {
          head(response, more);
          response.write(tar.subarray(0, length), () => response.destroy());
        };
        assert.match(
          await copy(),
          /the connection was closed (in the middle|\d+ bytes before the end) of (a|the) reply\n1$/,
        );
      }
    });

  test('a tar that ends early is told', async () => {
    answer = (response) => {
      head(response);
      response.end(tar.subarray(0, 3 * MEGABYTE));
    };
    assert.match(await copy(), /the archive ends, \d+ bytes of its content are missing/);
  });

  test('a refusal leaves nothing', async () => {
    answer = (response) => {
      response.writeHead(404, { 'Api-Version': '1.51', 'Content-Type': 'application/json' });
      response.end('{"message":"no such thing"}');
    };
    assert.match(await copy(), /^Error response from daemon: no such thing\n1$/);
    assert.deepEqual(await readdir(target), []);
  });
});

describe('with a daemon', () => {
  let daemon: TestDaemon;
  before(async () => {
    daemon = await startDaemon();
    await daemon.ok(['run', '-d', '--stop-timeout', '0', '--name', 'box', 'busybox', 'sleep', '1000']);
  });
  after(() => daemon.close());

  const shell = (script: string) => daemon.ok(['exec', 'box', 'sh', '-c', script]);

  /** Starts `wherry cp`; gives its process and how it ends. */
  function begin(...args: string[]) {
    const child = execFile(wherry, ['-H', daemon.host, 'cp', ...args]);
    let stderr = '';
    child.stderr!.on('data', (text) => {
      stderr += text;
    });
    const ended = new Promise<string>((resolve) => child.once('close', (code) => resolve(`${stderr}${code}`)));
    return { child, ended };
  }

  test('files of all sizes, there and back', async () => {
    const sizes = [0, 1, 511, 512, 65_536, 65_537, MEGABYTE - 1, MEGABYTE, 3 * MEGABYTE + 5, 0, 2 * MEGABYTE];
    const from = join(folder, 'sizes');
    await mkdir(from);
    for (const [index, size] of sizes.entries()) await writeFile(join(from, `${index}`), content(size));
    assert.equal(await begin(from, 'box:/').ended, '0');
    assert.equal(await begin('box:/sizes', join(folder, 'back')).ended, '0');
    for (const [index, size] of sizes.entries())
      assert.ok((await readFile(join(folder, 'back', `${index}`))).equals(content(size)), `${size}`);
  });

  test('many files, for which both sides have to wait, without a word', async () => {
    const from = join(folder, 'many');
    await mkdir(from);
    await Promise.all(
      Array.from({ length: 3000 }, (_, index) => writeFile(join(from, `${index}`), content(4096 + index))),
    );
    assert.equal(await begin(from, 'box:/').ended, '0');
    assert.equal(await begin('box:/many', join(folder, 'many-back')).ended, '0');
    const names = await readdir(join(folder, 'many-back'));
    assert.equal(names.length, 3000);
    for (const name of names)
      assert.ok((await readFile(join(folder, 'many-back', name))).equals(content(4096 + Number(name))), name);
  });

  test('a file is shown while it passes, and counted as a whole', async () => {
    await writeFile(join(folder, 'shown'), content(40 * MEGABYTE));
    for (const line of [
      [join(folder, 'shown'), 'box:/shown'],
      ['box:/shown', join(folder, 'again')],
    ]) {
      const shown = openTerminal([wherry, '-H', daemon.host, 'cp', ...line]);
      await shown.until(/Successfully copied 41\.9MB to /);
      assert.equal(await shown.ended, 0);
    }
    assert.ok((await readFile(join(folder, 'again'))).equals(content(40 * MEGABYTE)));
  });

  test('into a container go the capability and the user’s attributes, but no labels of this machine', async () => {
    const file = join(folder, 'marked');
    await writeFile(file, 'marked');
    const set = `
import os, sys
os.setxattr(sys.argv[1], 'security.capability', b'\\1\\0\\0\\2\\0\\4' + bytes(14))
os.setxattr(sys.argv[1], 'user.note', b'a value')
os.setxattr(sys.argv[1], 'trusted.note', b'ours')`;
    await promisify(execFile)('python3', ['-c', set, file]);
    assert.equal(await begin(file, 'box:/marked').ended, '0');
    const inside = `/proc/${await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'box'])}/root/marked`;
    const read = 'import os, sys; print({k: os.getxattr(sys.argv[1], k) for k in os.listxattr(sys.argv[1])})';
    const { stdout } = await promisify(execFile)('python3', ['-c', read, inside]);
    assert.match(stdout, /'security.capability': b'\\x01\\x00\\x00\\x02\\x00\\x04/);
    assert.match(stdout, /'user.note': b'a value'/);
    assert.doesNotMatch(stdout, /trusted.note/);
  });

  test('what the daemon refuses in the middle is said, and the program ends', async () => {
    await daemon.ok('run -d --stop-timeout 0 --name full --tmpfs /t:size=2m busybox sleep 1000'.split(' '));
    await writeFile(join(folder, 'large'), '');
    await truncate(join(folder, 'large'), 64 * MEGABYTE);
    assert.match(await begin(join(folder, 'large'), 'full:/t').ended, /writing large: No space left on device.*1$/s);
    await noProgram(folder);
    await daemon.ok(['rm', '-f', 'full']);
  });

  test('what is full here is said', async () => {
    await shell('truncate -s 8M /eight');
    const full = join(folder, 'full');
    await mkdir(full);
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'wherry-own-cp', full]);
    try {
      assert.match(await begin('box:/eight', full).ended, /^writing eight: No space left on device\n1$/);
    } finally {
      await promisify(execFile)('umount', [full]);
    }
    await noProgram(daemon.folder);
  });

  /** A file that is never sent to its end: nobody has that much room. */
  async function endless(): Promise<string> {
    await writeFile(join(folder, 'endless'), '');
    await truncate(join(folder, 'endless'), 2 ** 40);
    return join(folder, 'endless');
  }

  async function begun(path: string): Promise<void> {
    while (Number(await shell(`stat -c %s ${path} 2>/dev/null || echo 0`)) < MEGABYTE) await sleep(10);
  }

  test('a client that is killed leaves no process, here or there', async () => {
    const into = begin(await endless(), 'box:/into');
    await begun('/into');
    into.child.kill('SIGKILL');
    await into.ended;
    await noProgram(folder);
    await noProgram(daemon.folder);
    await shell('rm /into; truncate -s 1024G /endless');
    const out = begin('box:/endless', join(folder, 'out'));
    while ((await stat(join(folder, 'out')).catch(() => ({ size: 0 }))).size < MEGABYTE) await sleep(10);
    out.child.kill('SIGKILL');
    await out.ended;
    await noProgram(folder);
    await noProgram(daemon.folder);
    await rm(join(folder, 'out'));
  });

  test('a daemon that dies in the middle is told, and nothing goes on', async () => {
    const into = begin(await endless(), 'box:/into');
    await begun('/into');
    process.kill(await daemon.enginePid(), 'SIGKILL');
    assert.match(await into.ended, /the connection was closed before a reply came|closed the connection.*1$/s);
    await noProgram(folder);
    await daemon.ready();
    await shell('rm /into; truncate -s 1024G /endless');
    const out = begin('box:/endless', join(folder, 'out'));
    while ((await stat(join(folder, 'out')).catch(() => ({ size: 0 }))).size < MEGABYTE) await sleep(10);
    process.kill(await daemon.enginePid(), 'SIGKILL');
    assert.match(await out.ended, /the connection was closed in the middle of a reply|closed the connection.*1$/s);
    await noProgram(folder);
    await daemon.ready();
    await rm(join(folder, 'out'));
  });
});
