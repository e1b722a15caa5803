/** The engine is killed while the OCI runtime is at work: the next one takes the start over, however it ends. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { checkStore } from '#test/support/store-check.ts';

let folder: string;
let daemon: TestDaemon;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherry-slow-runtime-'));
  const slow = join(folder, 'slow');
  await writeFile(
    slow,
    `#!/bin/sh
case " $* " in *" delete "*|*" --version "*) ;; *)
  for id; do :; done
  : >"${folder}/$id"
  until [ -e "${folder}/go" ]; do sleep 0.05; done ;;
esac
exec crun "$@"
`,
  );
  await chmod(slow, 0o755);
  daemon = await startDaemon({ flags: ['--add-runtime', `slow=${slow}`] });
});
after(async () => {
  await daemon.close();
  await rm(folder, { recursive: true });
});

/** Starts a container of the slow runtime, which waits until there is a file `go`; gives what its client gets. */
async function beginStart(
  name: string,
  options: string[],
  command: string[],
): Promise<Promise<{ code: number | null }>[]> {
  const id = await daemon.ok(['create', '--runtime', 'slow', '--name', name, ...options, 'busybox', ...command]);
  await rm(join(folder, 'go'), { force: true });
  const started = daemon.docker(['start', name]);
  while (!existsSync(join(folder, id))) await sleep(5); // the engine tries runtimes out, too
  return [started];
}

async function until(name: string, wanted: RegExp): Promise<void> {
  const state = '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}';
  while (!wanted.test((await daemon.docker(['inspect', '-f', state, name])).stdout.trim())) await sleep(20);
}

/** Whether its monitor is there. */
function isWatched(id: string): boolean {
  const commands = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return commands.some((pid) => {
    try {
      return (
        /wherry-monitor/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(id)
      );
    } catch {
      return false; // it has ended meanwhile
    }
  });
}

/** Starts a container of the slow runtime, has the engine killed meanwhile, and resolves when it has become what is `wanted`. */
async function startAcrossEngines(name: string, options: string[], command: string[], wanted: RegExp): Promise<void> {
  const [started] = await beginStart(name, options, command);
  await killEngine(daemon);
  assert.notEqual((await started!).code, 0);
  await writeFile(join(folder, 'go'), '');
  await until(name, wanted);
}

test('a start that succeeds runs on, with its network', async () => {
  await startAcrossEngines('runs', ['-p', '8080:80'], ['sleep', '1000'], /^running 0$/);
  assert.match(await daemon.ok(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'runs']), /^172\./);
  assert.match((await daemon.docker(['run', '--rm', '-p', '8080:80', 'busybox'])).stderr, /already allocated/);
  await checkStore(daemon);
  await daemon.ok(['stop', '-t', '0', 'runs']);
  await daemon.ok(['rm', 'runs']);
  await checkStore(daemon);
});

test('a start that fails says why, and leaves nothing', async () => {
  await startAcrossEngines('fails', ['-p', '8080:80'], ['/no/such'], /^created 127 .*no such file/);
  assert.equal(await daemon.ok(['run', '--rm', '-p', '8080:80', 'busybox', 'echo', 'free']), 'free');
  await daemon.ok(['rm', 'fails']);
  await checkStore(daemon);
});

test('a start that fails removes a container that was to go with its end', async () => {
  await startAcrossEngines('brief', ['--rm', '-v', '/anonymous'], ['/no/such'], /^$/);
  const { containers, volumes } = await checkStore(daemon);
  assert.deepEqual([containers.size, volumes], [0, []]);
});

test('a start goes on while the daemon ends, and the next one takes it over', async () => {
  const [started] = await beginStart('goes-on', ['-p', '8080:80'], ['sleep', '1000']);
  await daemon.stop();
  assert.notEqual((await started!).code, 0);
  await writeFile(join(folder, 'go'), '');
  await daemon.start();
  await until('goes-on', /^running 0$/);
  await daemon.ok(['rm', '-f', 'goes-on']);
  await checkStore(daemon);
});

test('a start that fails after the daemon has ended says why to the next one', async () => {
  const [started] = await beginStart('fails-late', ['-p', '8080:80'], ['/no/such']);
  await daemon.stop();
  assert.notEqual((await started!).code, 0);
  await daemon.start();
  await writeFile(join(folder, 'go'), '');
  await until('fails-late', /^created 127 .*no such file/);
  await daemon.ok(['rm', 'fails-late']);
  await checkStore(daemon);
});

test('a start that fails while no engine is there says why to the next one', async () => {
  for (const options of [['-p', '8080:80'], ['-t']]) {
    const [started] = await beginStart('fails-alone', options, ['/no/such']);
    const id = await daemon.ok(['ps', '-aq', '--no-trunc']);
    await daemon.stop();
    await started;
    await writeFile(join(folder, 'go'), '');
    while (isWatched(id)) await sleep(5);
    await daemon.start();
    await until('fails-alone', /^created 127 .*no such file/);
    await daemon.ok(['rm', 'fails-alone']);
    await checkStore(daemon);
  }
});

test('a start that is under way when a daemon ends with its containers is waited for, and stopped', async () => {
  await daemon.stop();
  await daemon.start(['--live-restore=false']);
  const [started] = await beginStart('late', ['--stop-signal', 'KILL'], ['sleep', '1000']);
  const stopped = daemon.stop();
  await sleep(500);
  await writeFile(join(folder, 'go'), '');
  await Promise.all([stopped, started]);
  await daemon.start();
  await until('late', /^exited 137$/);
  await daemon.ok(['rm', 'late']);
  await checkStore(daemon);
});
