/** What an editor does with a folder that has a devcontainer.json: the reference implementation's own command line. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run, startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { debianArchive } from '#test/support/images.ts';

const CLI = join(import.meta.dirname, '../../node_modules/@devcontainers/cli/devcontainer.js');

const DEFINITION = {
  image: 'debian:trixie',
  remoteUser: 'root',
  containerEnv: { INSIDE: 'container' },
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is devcontainer.json's own template
  remoteEnv: { REMOTE: '${containerEnv:INSIDE}/remote' },
  mounts: ['type=volume,source=cache,target=/cache', 'type=tmpfs,target=/scratch'],
  runArgs: ['--hostname', 'dev', '--init', '--cap-add', 'SYS_PTRACE'],
  postCreateCommand: { file: 'echo created > made-inside', volume: 'echo kept > /cache/f' },
  postStartCommand: 'echo started >> /starts',
};

let daemon: TestDaemon;
let workspace: string;
before(async () => {
  daemon = await startDaemon();
  await daemon.ok(['load', '-q', '-i', await debianArchive()]);
  workspace = join(daemon.folder, 'workspace');
  await mkdir(join(workspace, '.devcontainer'), { recursive: true });
  await writeFile(join(workspace, '.devcontainer/devcontainer.json'), JSON.stringify(DEFINITION));
});
after(() => daemon.close());

async function devcontainer(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, DOCKER_HOST: daemon.host, DOCKER_CONFIG: daemon.folder };
  const argv = [CLI, command, '--workspace-folder', workspace, ...args];
  const { code, stdout, stderr } = await run(process.execPath, argv, '', env);
  assert.equal(code, 0, stderr);
  return stdout;
}

const up = async () => JSON.parse(await devcontainer('up')) as { outcome: string; containerId: string };

test('up makes the container once, runs its commands, starts it again; exec runs in it', async () => {
  const { outcome, containerId } = await up();
  assert.equal(outcome, 'success');
  assert.equal(await readFile(join(workspace, 'made-inside'), 'utf8'), 'created\n');
  const script =
    'pwd; echo $INSIDE $REMOTE; cat /cache/f; hostname; cat /starts; df --output=fstype /scratch | tail -1';
  assert.equal(
    await devcontainer('exec', 'sh', '-c', script),
    '/workspaces/workspace\ncontainer container/remote\nkept\ndev\nstarted\ntmpfs\n',
  );
  assert.equal((await up()).containerId, containerId, 'it runs already');
  await daemon.ok(['stop', '-t', '0', containerId]);
  assert.equal((await up()).containerId, containerId, 'it is started again');
  assert.equal(await devcontainer('exec', 'cat', '/starts'), 'started\nstarted\n');
  const labels = await daemon.ok([
    'ps',
    '-q',
    '--no-trunc',
    '--filter',
    `label=devcontainer.local_folder=${workspace}`,
  ]);
  assert.equal(labels, containerId);
});
