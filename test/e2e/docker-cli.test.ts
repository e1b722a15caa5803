/** docker's own CLI against wherryd: what a user does in the first hour. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { runIn } from '#test/support/netns.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

describe('run', () => {
  test('prints what the container prints and gives its exit code', async () => {
    const { code, stdout, stderr } = await daemon.docker([
      'run',
      '--rm',
      'busybox',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ]);
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal(await daemon.ok(['ps', '-aq']), '');
  });

  test('a missing executable is 127 in docker’s words, one that cannot be run 126', async () => {
    const missing = await daemon.docker(['run', '--rm', 'busybox', 'no-such-program']);
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /exec: "no-such-program": executable file not found in \$PATH/);
    const folder = await daemon.docker(['run', '--rm', 'busybox', '/etc']);
    assert.equal(folder.code, 126);
    assert.match(folder.stderr, /permission denied|is a directory/);
    assert.equal(await daemon.ok(['ps', '-aq']), '');
  });

  test('stdin goes in whole and its end is seen', async () => {
    const input = randomBytes(20 * 1024 * 1024);
    const { code, stdout, stderr } = await daemon.docker(['run', '--rm', '-i', 'busybox', 'md5sum'], { input });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.split(' ')[0], createHash('md5').update(input).digest('hex'));
  });

  test('much output comes out whole', async () => {
    const { stdout } = await daemon.docker(['run', '--rm', 'busybox', 'seq', '1', '300000']);
    assert.equal(
      createHash('md5').update(stdout).digest('hex'),
      createHash('md5')
        .update(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join(''))
        .digest('hex'),
    );
  });

  test('environment, user, workdir, hostname, entrypoint', async () => {
    const args = [
      '--rm',
      '-e',
      'A=b c',
      '-u',
      '1000:2000',
      '-w',
      '/tmp/x',
      '-h',
      'ahost',
      '--entrypoint',
      'sh',
      'busybox',
    ];
    const out = await daemon.ok(['run', ...args, '-c', 'echo "$A|$(id -u):$(id -g)|$(pwd)|$(hostname)|$HOME|$PATH"']);
    assert.equal(out, 'b c|1000:2000|/tmp/x|ahost|/|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  });

  test('limits are kept by the kernel', async () => {
    const out = await daemon.ok([
      ...[
        'run',
        '--rm',
        '-m',
        '64m',
        '--pids-limit',
        '50',
        '--cpus',
        '0.5',
        '--ulimit',
        'nofile=123:456',
        'busybox',
        'sh',
        '-c',
      ],
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us; ulimit -n',
    ]);
    assert.deepEqual(out.split('\n'), [String(64 << 20), '50', '50000', '123']);
  });

  test('read-only, tmpfs, capabilities, no-new-privileges, seccomp', async () => {
    const out = await daemon
      .ok([
        ...[
          'run',
          '--rm',
          '--read-only',
          '--tmpfs',
          '/t:size=1m',
          '--cap-drop',
          'ALL',
          '--cap-add',
          'NET_RAW',
          '--security-opt',
          'no-new-privileges',
        ],
        ...[
          'busybox',
          'sh',
          '-c',
          'touch /x 2>&1; touch /t/x && echo ok; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; unshare -m true 2>&1',
        ],
      ])
      .catch((error) => error.message as string);
    assert.match(out, /Read-only file system/);
    assert.match(out, /^ok$/m);
    assert.match(out, /CapEff:\s+0000000000002000/);
    assert.match(out, /NoNewPrivs:\s+1/);
    assert.match(out, /Seccomp:\s+2/);
    assert.match(out, /unshare.*Operation not permitted/);
  });

  test('--init makes process 1 reap', async () => {
    assert.match(await daemon.ok(['run', '--rm', '--init', 'busybox', 'cat', '/proc/1/comm']), /tini|docker-init/);
  });
});

describe('life cycle', () => {
  test('create, start, ps, inspect, logs, stop, start, restart, kill, wait, rm', async () => {
    const id = await daemon.ok([
      'create',
      '--name',
      'life',
      '--label',
      'a=b',
      'busybox',
      'sh',
      '-c',
      'echo hello; sleep 1000',
    ]);
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Status}}', 'life']), 'created');
    await daemon.ok(['start', 'life']);
    assert.match(await daemon.ok(['ps', '--format', '{{.Names}} {{.Image}} {{.Status}}']), /^life busybox Up /);
    assert.equal(await daemon.ok(['ps', '-q', '--filter', 'label=a=b', '--no-trunc']), id);
    assert.equal(await daemon.ok(['ps', '-q', '--filter', 'label=a=c']), '');
    assert.equal(await daemon.ok(['logs', 'life']), 'hello');
    const started = await daemon.ok(['inspect', '-f', '{{.State.StartedAt}} {{.State.Pid}}', id.slice(0, 8)]);
    await daemon.ok(['stop', '-t', '0', 'life']);
    assert.equal(
      await daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}', 'life']),
      'exited 137 0',
    );
    assert.match(await daemon.ok(['ps', '-a', '--filter', 'exited=137', '--format', '{{.Status}}']), /^Exited \(137\)/);
    await daemon.ok(['start', 'life']);
    await daemon.ok(['restart', '-t', '0', 'life']);
    assert.notEqual(await daemon.ok(['inspect', '-f', '{{.State.StartedAt}} {{.State.Pid}}', 'life']), started);
    assert.equal(await daemon.ok(['logs', '--tail', '1', 'life']), 'hello');
    const waiting = daemon.ok(['wait', 'life']);
    await sleep(50);
    await daemon.ok(['kill', '-s', 'KILL', 'life']);
    assert.equal(await waiting, '137');
    await daemon.ok(['rm', 'life']);
    assert.match((await daemon.docker(['inspect', 'life'])).stderr, /No such (object|container): life/i);
  });

  test('stop sends the stop signal and gives time', async () => {
    const script = 'trap "echo got it; exit 3" USR1; echo ready; while :; do sleep 0.05; done';
    await daemon.ok(['run', '-d', '--name', 'polite', '--stop-signal', 'USR1', 'busybox', 'sh', '-c', script]);
    while ((await daemon.ok(['logs', 'polite'])) !== 'ready') await sleep(20);
    await daemon.ok(['stop', 'polite']);
    assert.equal(await daemon.ok(['inspect', '-f', '{{.State.ExitCode}}', 'polite']), '3');
    assert.equal(await daemon.ok(['logs', 'polite']), 'ready\ngot it');
    await daemon.ok(['rm', 'polite']);
  });

  test('conflicts and unknown names have docker’s words', async () => {
    await daemon.ok(['create', '--name', 'taken', 'busybox']);
    const again = await daemon.docker(['create', '--name', 'taken', 'busybox']);
    assert.match(again.stderr, /Conflict\. The container name "\/taken" is already in use by container/);
    assert.match((await daemon.docker(['start', 'nobody'])).stderr, /No such container: nobody/);
    assert.match((await daemon.docker(['create', '--name', 'x', 'busybox'])).stderr, /Invalid container name \(x\)/);
    assert.match((await daemon.docker(['kill', 'taken'])).stderr, /is not running/);
    await daemon.ok(['start', 'taken']);
    await daemon.ok(['rm', '-f', 'taken']);
  });

  test('a running container is not removed without force', async () => {
    await daemon.ok(['run', '-d', '--name', 'busy', 'busybox', 'sleep', '1000']);
    assert.match((await daemon.docker(['rm', 'busy'])).stderr, /container is running/);
    await daemon.ok(['rm', '-f', 'busy']);
    assert.equal(await daemon.ok(['ps', '-aq']), '');
  });

  test('logs: follow, tail, since, timestamps', async () => {
    await daemon.ok([
      'run',
      '-d',
      '--name',
      'talker',
      'busybox',
      'sh',
      '-c',
      'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done',
    ]);
    assert.equal(await daemon.ok(['logs', '-f', 'talker']), '1\n2\n3\n4\n5');
    assert.equal(await daemon.ok(['logs', '--tail', '2', 'talker']), '4\n5');
    assert.match(
      await daemon.ok(['logs', '-t', '--tail', '1', 'talker']),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 5$/,
    );
    const third = (await daemon.ok(['logs', '-t', 'talker'])).split('\n')[2]!.split(' ')[0]!;
    assert.equal(await daemon.ok(['logs', '--since', third, 'talker']), '3\n4\n5');
    assert.equal(await daemon.ok(['logs', '--until', third, 'talker']), '1\n2\n3');
    await daemon.ok(['rm', 'talker']);
  });

  test('attach to a running container', async () => {
    await daemon.ok([
      'run',
      '-d',
      '-i',
      '--name',
      'echo',
      'busybox',
      'sh',
      '-c',
      'while read l; do echo "got $l"; done',
    ]);
    const attached = daemon.docker(['attach', 'echo'], { input: 'one\ntwo\n' });
    while ((await daemon.ok(['logs', 'echo'])) !== 'got one\ngot two') await sleep(20);
    await daemon.ok(['rm', '-f', 'echo']);
    assert.equal((await attached).stdout, 'got one\ngot two\n');
  });
});

describe('volumes', () => {
  test('named volumes live on, anonymous ones go with --rm, content is copied up', async () => {
    await daemon.ok(['run', '--rm', '-v', 'data:/data', 'busybox', 'sh', '-c', 'echo kept > /data/f']);
    assert.equal(await daemon.ok(['run', '--rm', '-v', 'data:/data', 'busybox', 'cat', '/data/f']), 'kept');
    const copied = await daemon.ok([
      'run',
      '--rm',
      '-v',
      '/bin',
      '-v',
      'bins:/etc',
      'busybox',
      'sh',
      '-c',
      'ls /bin | wc -l',
    ]);
    assert.ok(Number(copied) > 100, copied);
    const out = await daemon.ok([
      'run',
      '--rm',
      '-v',
      `${daemon.folder}:/host:ro`,
      'busybox',
      'sh',
      '-c',
      'ls /host; touch /host/x 2>&1 || true',
    ]);
    assert.match(out, /wherry\.pid/);
    assert.match(out, /Read-only file system/);
  });
});

describe('networks', () => {
  test('-p is reached in the engine’s namespace; host and none', async () => {
    await daemon.ok([
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      '8080:80',
      '-p',
      '127.0.0.1::81',
      'busybox',
      'sh',
      '-c',
      'echo hi > /index.html; httpd -f -p 80 -h /',
    ]);
    assert.match(await daemon.ok(['port', 'web', '80']), /0\.0\.0\.0:8080/);
    let page = '';
    for (let i = 0; i < 50 && !page; i++)
      page = await runIn(daemon.netns.path, ['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/index.html']).catch(
        () => '',
      );
    assert.equal(page, 'hi\n');
    const second = await daemon.docker(['run', '--rm', '-p', '8080:80', 'busybox', 'true']);
    assert.match(second.stderr, /port is already allocated/);
    assert.equal(second.code, 125);
    await daemon.ok(['rm', '-f', 'web']);
    assert.match(await daemon.ok(['run', '--rm', '--network', 'host', 'busybox', 'ip', '-o', 'link']), /wherry0/);
    const none = await daemon.ok(['run', '--rm', '--network', 'none', 'busybox', 'ip', '-o', 'link']);
    assert.equal(none.split('\n').length, 1);
    assert.match(none, /LOOPBACK/);
  });

  test('a container cannot reach the host’s loopback', async () => {
    const out = await daemon.docker([
      'run',
      '--rm',
      'busybox',
      'sh',
      '-c',
      'ip route | grep -o "default via [0-9.]*" | cut -d" " -f3',
    ]);
    assert.match(out.stdout, /^\d+\.\d+\.\d+\.\d+\n$/);
  });
});

describe('images', () => {
  test('images, tag, history, inspect, rmi', async () => {
    assert.match(await daemon.ok(['images', '--format', '{{.Repository}}:{{.Tag}}']), /busybox:latest/);
    await daemon.ok(['tag', 'busybox', 'other/name:v1']);
    assert.equal(
      await daemon.ok(['inspect', '-f', '{{.Id}}', 'other/name:v1']),
      await daemon.ok(['inspect', '-f', '{{.Id}}', 'busybox']),
    );
    assert.match(await daemon.ok(['history', '--format', '{{.Size}}', 'busybox']), /MB/);
    assert.equal(await daemon.ok(['rmi', 'other/name:v1']), 'Untagged: other/name:v1');
    assert.match((await daemon.docker(['rmi', 'nothing'])).stderr, /No such image: nothing/);
  });

  test('info and version', async () => {
    assert.match(await daemon.ok(['info', '-f', '{{.Driver}} {{.ServerVersion}}']), /^erofs \d/);
    assert.match(await daemon.ok(['version', '-f', '{{.Server.APIVersion}}']), /^1\.51$/);
  });
});
