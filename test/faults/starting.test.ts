/** The engine is killed while the OCI runtime is at work: the next one takes the start over, however it ends. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
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

/** Starts a container of the slow runtime, has the engine killed meanwhile, and resolves when it has become what is `wanted`. */
async function startAcrossEngines(name: string, options: string[], command: string[], wanted: RegExp): Promise<void> {
  const id = await daemon.ok(['create', '--runtime', 'slow', '--name', name, ...options, 'busybox', ...command]);
  await rm(join(folder, 'go'), { force: true });
  const started = daemon.docker(['start', name]);
  while (!existsSync(join(folder, id))) await sleep(5); // the engine tries runtimes out, too
  await killEngine(daemon);
  assert.notEqual((await started).code, 0);
  await writeFile(join(folder, 'go'), '');
  const state = '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}';
  while (!wanted.test((await daemon.docker(['inspect', '-f', state, name])).stdout.trim())) await sleep(20);
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
