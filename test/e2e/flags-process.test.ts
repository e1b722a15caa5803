/** What `docker run`'s flags for the process, its streams and its life do, seen from inside the container. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { run } from '#test/support/daemon.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon({ flags: ['--add-runtime', 'other=/usr/sbin/runc'] });
const { ok, sh, fails } = engine;

test('--env, --env-file, --workdir, --user, --entrypoint', async () => {
  const file = join(engine.daemon.folder, 'env');
  await writeFile(file, '# comment\nFROM_FILE=a b\nHERE\n');
  assert.equal(await sh(words`--env-file ${file} -e A=1 -e HOME=/x`, 'echo $FROM_FILE $A $HOME $PWD'), 'a b 1 /x /');
  assert.equal(await sh(words`--workdir /new/place --user 12:34`, 'pwd; id -u; id -g'), '/new/place\n12\n34');
  assert.match(await fails`run --rm --user nobodys busybox true`, /unable to find user nobodys/);
  assert.equal(await ok`run --rm --entrypoint echo busybox a b`, 'a b');
  assert.equal(await ok`run --rm --entrypoint= busybox echo none`, 'none');
});

test('--hostname, --domainname', async () => {
  const script = 'hostname; cat /proc/sys/kernel/domainname; cat /etc/hostname; grep web /etc/hosts';
  assert.match(
    await sh(words`--hostname web --domainname example.org`, script),
    /^web\nexample\.org\nweb(\.example\.org)?\n172\.\S+\s+web/,
  );
  assert.match(
    await fails`run --rm --hostname web --uts host busybox true`,
    /conflicting options: hostname and the UTS mode/,
  );
});

test('--init: process 1 is an init that hands signals and the exit code on', async () => {
  assert.match(await sh(words`--init`, 'cat /proc/1/cmdline'), /docker-init/);
  const stopped = async (options: string[]) => {
    await ok`run -d --name sleeper --stop-timeout 1 ${options} busybox sleep 1000`;
    await ok`stop sleeper`;
    const code = await ok`inspect -f {{.State.ExitCode}} sleeper`;
    await ok`rm sleeper`;
    return code;
  };
  assert.equal(await stopped([]), '137', 'as process 1 it is deaf to SIGTERM');
  assert.equal(await stopped(words`--init`), '143');
  assert.equal((await engine.daemon.docker(words`run --rm --init busybox sh -c ${'exit 7'}`)).code, 7);
});

test('--tty, --interactive, --attach', async () => {
  assert.equal((await ok`run --rm -t busybox tty`).trim(), '/dev/pts/0');
  assert.equal(await engine.daemon.ok(words`run --rm -i busybox cat`, { input: 'typed\n' }), 'typed');
  const { stdout, stderr } = await engine.daemon.docker(
    words`run --rm -a stderr busybox sh -c ${'echo out; echo err >&2'}`,
  );
  assert.deepEqual([stdout, stderr], ['', 'err\n']);
});

test('--stop-signal, --stop-timeout', async () => {
  const trap = 'trap "exit 42" USR1; echo ready; while :; do sleep 0.01; done';
  await ok`run -d --name stopped --stop-signal USR1 busybox sh -c ${trap}`;
  await untilReady('stopped');
  await ok`stop stopped`;
  assert.equal(await ok`inspect -f {{.State.ExitCode}} stopped`, '42');
  await ok`run -d --name killed --stop-timeout 0 busybox sh -c ${'trap "" TERM; echo ready; while :; do sleep 0.01; done'}`;
  await untilReady('killed');
  await ok`stop killed`;
  assert.equal(await ok`inspect -f {{.State.ExitCode}} killed`, '137');
  await ok`rm stopped killed`;
});

async function untilReady(name: string): Promise<void> {
  while ((await ok`logs ${name}`) !== 'ready') {}
}

test('--annotation, --runtime', async () => {
  const id = await ok`run -d --annotation com.example.a=b --runtime other busybox sleep 1000`;
  const { annotations } = JSON.parse(
    await readFile(join(engine.daemon.execRoot, 'containers', id, 'config.json'), 'utf8'),
  );
  assert.deepEqual(annotations, { 'com.example.a': 'b' });
  const { stdout } = await run(
    'runc',
    words`--root ${join(engine.daemon.execRoot, 'runtime/other')} list -q`,
    '',
    process.env,
  );
  assert.equal(stdout.trim(), id);
  await ok`rm -f ${id}`;
  assert.match(await fails`run --rm --runtime nonsense busybox true`, /unknown or invalid runtime name: nonsense/);
});

test('--name, --label, --label-file, --cidfile, --rm', async () => {
  const labels = join(engine.daemon.folder, 'labels');
  const cid = join(engine.daemon.folder, 'cid');
  await writeFile(labels, 'from=file\n');
  const id = await ok`run -d --rm --name named --label a=b --label-file ${labels} --cidfile ${cid} busybox sleep 1000`;
  assert.equal(await readFile(cid, 'utf8'), id);
  assert.equal(await ok`ps -q --no-trunc -f label=a=b -f label=from=file -f name=named`, id);
  await ok`stop -t 0 named`;
  await ask(engine.daemon.socket, 'POST', '/containers/named/wait?condition=removed');
  assert.equal(await ok`ps -aq`, '');
});

test('--log-driver, --log-opt', async () => {
  const lines = 'i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done';
  await ok`run --name rotated --log-driver json-file --log-opt max-size=10k --log-opt max-file=2 busybox sh -c ${lines}`;
  const kept = (await ok`logs rotated`).split('\n');
  assert.equal(kept.at(-1), 'line 399');
  assert.ok(kept.length < 400, 'the oldest lines are gone');
  await ok`run --name silent --log-driver none busybox echo said`;
  assert.match((await engine.daemon.docker(words`logs silent`)).stderr, /does not support reading/);
  await ok`run --name local --log-driver local busybox echo said`;
  assert.equal(await ok`logs local`, 'said');
  await ok`rm rotated silent local`;
});

test('--platform, --pull, --quiet, --disable-content-trust', async () => {
  assert.equal(
    await ok`run --rm --platform linux/amd64 --pull never --quiet --disable-content-trust busybox echo runs`,
    'runs',
  );
  assert.match(
    (await engine.daemon.docker(words`run --rm --pull never nowhere true`)).stderr,
    /No such image: nowhere/,
  );
});
