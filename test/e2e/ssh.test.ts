/** `-H ssh://`: both clients as the near side, both as the far side, with a stand-in for ssh that runs the command here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Output, run } from '#test/support/daemon.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';

const clients = { docker: '/usr/bin/docker', wherry: join(import.meta.dirname, '../../bin/wherry') };
const HOST = 'ssh://user@host.example:2222';

const engine = oneDaemon();

/** What sshd does: a shell runs the command, with the programs of the far side in its PATH. */
const SSH = `#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/asked"
echo $$ > "$(dirname "$0")/pid"
while [ "$1" != -- ]; do shift; done
shift 2
export PATH="$(dirname "$0")/far:/usr/bin:/bin" DOCKER_HOST=DAEMON
exec sh -c "$*"
`;

/** The PATH of a near side whose far side has these programs in the place of docker and wherry. */
async function pathTo(name: string, programs: Record<string, string>): Promise<string> {
  const folder = join(engine.daemon.folder, `ssh-${name}`);
  await mkdir(join(folder, 'far'), { recursive: true });
  const write = (file: string, text: string) => writeFile(join(folder, file), text, { mode: 0o755 });
  await write('ssh', SSH.replace('DAEMON', engine.daemon.host));
  for (const [program, path] of Object.entries(programs))
    await write(`far/${program}`, `#!/bin/sh\nexec ${path} "$@"\n`);
  return `${folder}:${process.env.PATH}`;
}

const environment = (PATH: string, more: Record<string, string> = {}) => ({
  ...process.env,
  PATH,
  DOCKER_CONFIG: engine.daemon.folder,
  ...more,
});

for (const far of ['docker', 'wherry'] as const) {
  describe(`${far} there`, () => {
    let path: string;
    before(async () => {
      // Whoever comes with docker asks for docker.
      path = await pathTo(far, { docker: clients[far], ...(far === 'wherry' && { wherry: clients.wherry }) });
    });

    for (const near of ['docker', 'wherry'] as const) {
      const client = (args: string[], input: string | Buffer = ''): Promise<Output> =>
        run(clients[near], ['-H', HOST, ...args], input, environment(path));

      test(`${near} here: requests, streams, and the end of the input`, async () => {
        assert.match((await client(['version'])).stdout, /Server:/);
        const echoed = await client(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo end'], 'some input\n');
        assert.deepEqual([echoed.code, echoed.stdout], [0, 'some input\nend\n'], echoed.stderr);
        const failed = await client(['run', '--rm', 'busybox', 'sh', '-c', 'seq 1 20000; exit 7']);
        assert.deepEqual([failed.code, failed.stdout.length], [7, 108_894]);
        const large = Buffer.alloc(5_000_000, 'x');
        const counted = await client(['run', '--rm', '-i', 'busybox', 'wc', '-c'], large);
        assert.equal(counted.stdout, '5000000\n', counted.stderr);
      });
    }

    test('wherry here: cp there and back, whose bytes no program can take from the connection', async () => {
      const cp = (...args: string[]) => run(clients.wherry, ['-H', HOST, 'cp', ...args], '', environment(path));
      await engine.daemon.ok(['create', '--name', 'copied', 'busybox', 'true']);
      const folder = join(engine.daemon.folder, `cp-${far}`);
      await mkdir(folder);
      const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => index % 251));
      await writeFile(join(folder, 'large'), bytes);
      await writeFile(join(folder, 'small'), 'small');
      const into = await cp(folder, 'copied:/tmp/there');
      assert.deepEqual([into.code, into.stderr], [0, '']);
      const back = await cp('copied:/tmp/there', `${folder}-back`);
      assert.deepEqual([back.code, back.stderr], [0, '']);
      assert.ok((await readFile(join(`${folder}-back`, 'large'))).equals(bytes));
      assert.equal(await readFile(join(`${folder}-back`, 'small'), 'utf8'), 'small');
      await engine.daemon.ok(['rm', 'copied']);
    });

    test('raw HTTP on standard input and output', async () => {
      const child = spawn(clients[far], ['-H', engine.daemon.host, 'system', 'dial-stdio'], { stdio: 'pipe' });
      let received = '';
      child.stdout.on('data', (chunk) => (received += chunk));
      child.stdin.write('GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const [code] = await once(child, 'exit');
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nOK$/s);
      assert.equal(code, 0);
    });
  });
}

describe('wherry here', () => {
  let path: string;
  before(async () => {
    path = await pathTo('own', { wherry: clients.wherry });
  });
  const wherry = (args: string[], env: NodeJS.ProcessEnv = environment(path)) => run(clients.wherry, args, '', env);
  const asked = async () => (await readFile(join(engine.daemon.folder, 'ssh-own/asked'), 'utf8')).trimEnd().split('\n');

  test('DOCKER_HOST and contexts; what ssh is asked for', async () => {
    const named = await wherry(['version', '-f', '{{.Server.Version}}'], environment(path, { DOCKER_HOST: HOST }));
    assert.equal(named.code, 0, named.stderr);
    const words = await asked();
    assert.deepEqual(words.slice(0, -1), [
      '-T',
      '-o',
      'ConnectTimeout=30',
      '-l',
      'user',
      '-p',
      '2222',
      '--',
      'host.example',
    ]);
    const socket = engine.daemon.socket;
    const created = await wherry(['context', 'create', 'far', '--docker', `host=ssh://host.example${socket}`]);
    assert.equal(created.code, 0, created.stderr);
    const shown = await wherry(['context', 'ls', '--format', '{{.Name}} {{.DockerEndpoint}}']);
    assert.match(shown.stdout, new RegExp(`^far ssh://host\\.example${socket}$`, 'm'));
    const used = await wherry(['--context', 'far', 'version', '-f', '{{.Server.Version}}']);
    assert.deepEqual(used, named);
    assert.match((await asked()).at(-1)!, new RegExp(`wherry --host unix://${socket} system dial-stdio`));
  });

  test('what fails says where and why', async () => {
    const fails = async (host: string, PATH: string) => {
      const { code, stderr } = await wherry(['-H', host, 'ps'], environment(PATH));
      assert.equal(code, 1);
      return stderr;
    };
    const refusing = await pathTo('refusing', {});
    await writeFile(
      join(engine.daemon.folder, 'ssh-refusing/ssh'),
      '#!/bin/sh\necho "Permission denied." >&2; exit 255\n',
    );
    assert.match(
      await fails(HOST, refusing),
      /^Cannot connect to ssh:\/\/user@host\.example:2222: ssh ended with exit status 255: Permission denied\.\n/,
    );
    assert.match(await fails(HOST, await pathTo('empty', { docker: '/nowhere' })), /exit status 127: .*\/nowhere/);
    assert.match(await fails(HOST, '/nowhere'), /^Cannot connect to ssh:.*there is no ssh in the PATH/);
    const far = await pathTo('no-daemon', { wherry: `${clients.wherry} -H unix:///nowhere.sock` });
    assert.match(
      await fails(HOST, far),
      /exit status 1: Cannot connect to the wherry daemon at unix:\/\/\/nowhere\.sock/,
    );
    assert.match(await fails('ssh://user:word@host', path), /plain-text password is not supported/);
  });

  test('no ssh is left behind by a command that is killed', async () => {
    await engine.ok`run -d --name talks busybox sh -c ${'echo started; exec sleep 1000'}`;
    await rm(join(engine.daemon.folder, 'ssh-own/pid'), { force: true });
    const child = spawn(clients.wherry, ['-H', HOST, 'logs', '-f', 'talks'], { env: environment(path), stdio: 'pipe' });
    await once(child.stdout, 'data');
    const ssh = Number(await readFile(join(engine.daemon.folder, 'ssh-own/pid'), 'utf8'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    while (existsSync(`/proc/${ssh}`)) await sleep(20);
  });
});

test('without a daemon it says so', async () => {
  const { code, stderr } = await run(
    clients.wherry,
    ['-H', 'unix:///nowhere.sock', 'system', 'dial-stdio'],
    '',
    process.env,
  );
  assert.equal(code, 1);
  assert.match(stderr, /Cannot connect to the wherry daemon at unix:\/\/\/nowhere\.sock/);
});
