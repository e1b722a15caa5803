/** The unit files that are shipped: systemd takes them, and what they say agrees with the daemon. */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '#daemon/config/config.ts';
import { run } from '#test/support/daemon.ts';

const root = join(import.meta.dirname, '../..');
const units = join(root, 'packaging/systemd');

async function option(unit: string, key: string): Promise<string> {
  const text = await readFile(join(units, unit), 'utf8');
  return new RegExp(`^${key}=(.*)$`, 'm').exec(text)![1]!;
}

test('systemd-analyze finds nothing wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-units-'));
  try {
    const service = await readFile(join(units, 'wherry.service'), 'utf8');
    await writeFile(join(folder, 'wherry.service'), service.replace('/usr/bin/wherryd', join(root, 'bin/wherryd')));
    await copyFile(join(units, 'wherry.socket'), join(folder, 'wherry.socket'));
    const files = ['wherry.service', 'wherry.socket'].map((name) => join(folder, name));
    const { code, stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', ...files], '', process.env);
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('wherry'));
    assert.deepEqual(ours, []);
    assert.equal(code, 0, `${stdout}${stderr}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the daemon takes the flags of the service', async () => {
  const [program, ...flags] = (await option('wherry.service', 'ExecStart')).split(' ');
  assert.equal(program, '/usr/bin/wherryd');
  const file = ['--config-file', '/dev/null'];
  assert.deepEqual((await loadConfig([...flags, ...file])).hosts, ['fd://']);
});

test('the socket is where clients look', async () => {
  assert.equal(await option('wherry.socket', 'ListenStream'), '/run/wherry.sock');
  const { hosts } = await loadConfig(['--config-file', '/dev/null']);
  assert.deepEqual(
    hosts.map((host) => host.replace('/var/run/', '/run/')),
    ['unix:///run/wherry.sock'],
  );
});

test('containers are left alone, and the reload is what the daemon understands', async () => {
  assert.equal(await option('wherry.service', 'KillMode'), 'process');
  assert.match(await option('wherry.service', 'ExecReload'), /kill -HUP \$MAINPID$/);
  assert.equal(await option('wherry.service', 'Type'), 'notify');
});
