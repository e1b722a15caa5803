/** `exec`: streams, exit codes, what the process is given, and what is refused. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { withEachClient } from '#test/support/each-client.ts';
import { words } from '#test/support/words.ts';

const md5 = (data: Buffer | string) => createHash('md5').update(data).digest('hex');

withEachClient((cli) => {
  beforeEach(async () => {
    await cli.daemon.ok(words`run -d --name box -e OWN=container -w /var busybox sleep 100000`);
  });

  test('prints what the process prints and gives its exit code', async () => {
    const { code, stdout, stderr } = await cli.run(words`exec box sh -c ${'echo out; echo err >&2; exit 7'}`);
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal((await cli.run(words`exec box sh -c ${'kill -9 $$'}`)).code, 137);
  });

  test('stdin goes in whole and its end is seen; output comes out whole', async () => {
    const input = randomBytes(5 * 1024 * 1024);
    const sum = await cli.run(words`exec -i box md5sum`, { input });
    assert.equal(sum.stdout.split(' ')[0], md5(input), sum.stderr);
    const { stdout } = await cli.run(words`exec box seq 1 300000`);
    assert.equal(md5(stdout), md5(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('')));
    assert.equal((await cli.run(words`exec box cat`, { input: 'not connected' })).stdout, '');
  });

  test('what a process leaves behind does not hold its end up', async () => {
    assert.equal(await cli.ok`exec box sh -c ${'sleep 100 & echo over'}`, 'over');
  });

  test('environment, user, working directory, privileges', async () => {
    const script = 'echo "$OWN|$A|$B|$HOSTNAME|$(id -u):$(id -g)|$(pwd)|$HOME|$TERM"; grep CapEff /proc/self/status';
    const hostname = await cli.ok`inspect -f {{.Config.Hostname}} box`;
    assert.equal(
      await cli.ok`exec -e A=1 -e ${'B=b c'} box sh -c ${script}`,
      `container|1|b c|${hostname}|0:0|/var|/root|\nCapEff:\t00000000a80425fb`,
    );
    assert.equal(
      await cli.ok`exec -e OWN=exec -u nobody -w /tmp box sh -c ${script}`,
      `exec|||${hostname}|65534:65534|/tmp|/home|\nCapEff:\t0000000000000000`,
    );
    assert.match(await cli.ok`exec --user 1:2 box sh -c ${script}`, /\|1:2\|\/var\|\//);
    const bounding = /^CapBnd:\t(\w+)/m.exec(await readFile('/proc/self/status', 'utf8'))![1];
    assert.match(await cli.ok`exec --privileged box sh -c ${script}`, new RegExp(`CapEff:\t${bounding}$`));
    assert.equal(await cli.ok`exec -u root:nogroup box id -gn`, 'nogroup');
  });

  test('the process is in the container: its cgroup, its processes, its seccomp filter', async () => {
    const own = await cli.ok`exec box cat /proc/1/cgroup /proc/self/cgroup`;
    const paths = own.split('\n');
    assert.deepEqual(paths.slice(0, paths.length / 2), paths.slice(paths.length / 2));
    assert.match(await cli.ok`exec box grep Seccomp: /proc/self/status`, /2$/);
    assert.match(await cli.ok`exec box ps`, /sleep 100000/);
  });

  test('detached, it goes on by itself', async () => {
    assert.equal(await cli.ok`exec -d box sh -c ${'sleep 0.1; echo done > /detached; exit 3'}`, '');
    while ((await cli.run(words`exec box cat /detached`)).stdout !== 'done\n');
    assert.equal(await cli.ok`inspect -f {{.ExecIDs}} box`, '[]');
  });

  test('what cannot be run is said in docker’s words', async () => {
    const refused = async (...args: string[]) => {
      const { code, stdout } = await cli.run(['exec', ...args]);
      assert.equal(code, 126);
      return stdout.trimEnd();
    };
    const failed = 'OCI runtime exec failed: exec failed: unable to start container process: exec: ';
    assert.equal(await refused('box', 'missing'), `${failed}"missing": executable file not found in $PATH: unknown`);
    assert.equal(await refused('box', '/etc/passwd'), `${failed}"/etc/passwd": permission denied: unknown`);
    assert.equal(await refused('box', '/etc'), `${failed}"/etc": is a directory: unknown: permission denied`);
    const nobody = 'unable to find user no-one: no matching entries in passwd file';
    assert.equal(await refused('-u', 'no-one', 'box', 'true'), nobody);
    assert.match(await cli.fails`exec -d -u no-one box true`, new RegExp(nobody));
    const relative = 'OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown';
    assert.equal(await refused('-w', 'var', 'box', 'true'), relative);
    assert.match(await cli.fails`exec -d box missing`, /"missing": executable file not found in \$PATH/);
    assert.match(await cli.fails`exec nowhere true`, /No such container: nowhere/);
    assert.match(await cli.fails`exec -it box true`, /the input device is not a TTY/);
    assert.match(await cli.fails`exec box`, /requires at least 2 arguments/);
  });

  test('a container that does not run has no further processes, and those that it has end with it', async () => {
    const id = await cli.ok`run -d --name ends busybox sleep 100000`;
    const held = cli.run(words`exec ends sh -c ${'echo there > /there; exec sleep 1000'}`);
    while ((await cli.run(words`exec ends cat /there`)).stdout !== 'there\n');
    await cli.ok`kill ends`;
    assert.equal((await held).code, 137);
    assert.match(await cli.fails`exec ends true`, new RegExp(`container ${id} is not running`));
    await cli.ok`rm ends`;
  });
});
