/** Where EROFS cannot be mounted the daemon says why, takes the next driver and works; unless it was told which to take. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';

// The choice is the daemon's here.
delete process.env.WHERRY_TEST_STORAGE_DRIVER;

/** The kernel mounts no files of a tmpfs as EROFS. */
async function onTmpfs(dataRoot: string): Promise<void> {
  await mkdir(dataRoot);
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', 'wherry-test', dataRoot], '', process.env);
  assert.equal(code, 0, stderr);
}

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon({ prepare: onTmpfs });
});
after(() => daemon.close());

test('the log names the step of the probe that failed, and why', () => {
  assert.match(
    daemon.log(),
    /the erofs driver cannot be used in \S+: mounting erofs over files failed: .*Block device/,
  );
  assert.match(daemon.log(), /Linux 6\.12/);
});

test('the next driver runs containers', async () => {
  assert.equal(await daemon.ok(['info', '-f', '{{.Driver}}']), 'overlay2');
  assert.equal(await daemon.ok(['run', '--rm', 'busybox', 'sh', '-c', 'echo text > /f; cat /f']), 'text');
});

test('the one that was asked for is not replaced', async () => {
  const refused = startDaemon({ prepare: onTmpfs, flags: ['--storage-driver', 'erofs'] });
  await assert.rejects(refused, /the erofs driver cannot be used in \S+: mounting erofs over files failed/);
});
