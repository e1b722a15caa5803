/** `-H ssh://`: both clients as the near side, both as the far side, with a stand-in for ssh that runs the command here. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Output, run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';

const bin = join(import.meta.dirname, '../../bin');
const clients = { docker: 'docker', wherry: join(bin, 'wherry') };

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

/** What sshd would do: the command of `ssh [options] [--] host command...`, with the far side's own docker. */
async function fakeSsh(far: string): Promise<string> {
  const folder = join(daemon.folder, `ssh-${far}`);
  await mkdir(folder, { recursive: true });
  const script = `#!/bin/sh
while [ "$1" != host.example ]; do shift; done
shift
[ "$1" = docker ] && shift
export DOCKER_HOST=${daemon.host}
exec ${clients[far as 'docker']} "$@"
`;
  await writeFile(join(folder, 'ssh'), script);
  await chmod(join(folder, 'ssh'), 0o755);
  return folder;
}

for (const far of ['docker', 'wherry'] as const) {
  describe(`${far} at the far end`, () => {
    let path: string;
    before(async () => {
      path = `${await fakeSsh(far)}:${process.env.PATH}`;
    });
    const docker = (args: string[], input = ''): Promise<Output> =>
      run('docker', ['-H', 'ssh://user@host.example', ...args], input, {
        ...process.env,
        PATH: path,
        DOCKER_CONFIG: daemon.folder,
      });

    test('requests, streams, and the end of the input', async () => {
      assert.match((await docker(['version'])).stdout, /Server:/);
      const echoed = await docker(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo end'], 'some input\n');
      assert.deepEqual([echoed.code, echoed.stdout], [0, 'some input\nend\n'], echoed.stderr);
      const failed = await docker(['run', '--rm', 'busybox', 'sh', '-c', 'seq 1 20000; exit 7']);
      assert.deepEqual([failed.code, failed.stdout.length], [7, 108_894]);
    });

    test('raw HTTP on standard input and output', async () => {
      const child = spawn(clients[far], ['-H', daemon.host, 'system', 'dial-stdio'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let received = '';
      child.stdout.on('data', (chunk) => (received += chunk));
      child.stdin.write('GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const code = await new Promise((resolve) => child.once('exit', resolve));
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nOK$/s);
      assert.equal(code, 0);
    });
  });
}

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
