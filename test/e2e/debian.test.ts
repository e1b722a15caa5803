/** A whole distribution as an image: every entry as its tar has it, and its programs at work. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { busyboxLayer, debianArchive, makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

const run = promisify(execFile);
const IMAGE = 'debian:trixie';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
  await daemon.ok(['load', '-q', '-i', await debianArchive()]);
});
after(() => daemon.close());

/**
 * Prints every entry below the current directory but what a runtime puts over an image: permissions, owner, size, time,
 * target and number of links; of directories, whose times change with mount points, only permissions and owner.
 */
const LIST = [
  'find . \\( -path ./dev -o -path ./proc -o -path ./sys -o -path ./.dockerenv -o -path ./etc/mtab \\) -prune',
  '-o -path ./etc/hosts -o -path ./etc/hostname -o -path ./etc/resolv.conf',
  "-o -type d -printf '%p %M %U:%G\\n' -o -printf '%p %M %U:%G %s %T@ %l %n\\n'",
].join(' ');
const SUMS = 'find bin/ usr var etc/alternatives -type f -exec md5sum {} +';

test('every entry has the type, permissions, owner, time, links and bytes of the tar', async () => {
  const extracted = join(daemon.folder, 'extracted');
  await mkdir(extracted);
  const largest = `tar -xOf "$1" "$(tar -tvf "$1" | sort -rnk3 | awk 'NR == 1 { print $6 }')"`;
  const extract = `${largest} | tar -x --numeric-owner -p -C "$2" -f -`;
  await run('sh', ['-c', extract, 'sh', await debianArchive(), extracted]);
  for (const script of [LIST, SUMS]) {
    const expected = await run('sh', ['-c', script], { cwd: extracted, maxBuffer: 1 << 26 });
    const { stdout } = await daemon.docker(['run', '--rm', '-w', '/', IMAGE, 'sh', '-c', script]);
    const sorted = (text: string) => text.trim().split('\n').sort();
    assert.ok(sorted(stdout).length > 3000);
    assert.deepEqual(sorted(stdout), sorted(expected.stdout));
  }
  const perl = await daemon.ok(['run', '--rm', IMAGE, 'stat', '-c', '%h %i', '/usr/bin/perl', '/usr/bin/perl5.40.1']);
  const [first, second] = perl.split('\n');
  assert.equal(first, second);
  assert.match(first!, /^2 /);
});

test('dpkg, perl and bash work', async () => {
  const inside = (...command: string[]) => daemon.ok(['run', '--rm', IMAGE, ...command]);
  assert.ok(Number(await inside('sh', '-c', 'dpkg -l | grep -c ^ii')) > 20);
  assert.equal(await inside('dpkg', '-V', 'bash', 'coreutils', 'dpkg'), '');
  assert.equal(await inside('perl', '-e', 'print join ",", map { $_ ** 2 } 1 .. 4'), '1,4,9,16');
  assert.equal(await inside('bash', '-c', 'set -- x y; cat <(echo $#)'), '2');
});

test('a set-uid program runs as its owner, unless new privileges are forbidden', async () => {
  const script =
    'cp /usr/bin/id /usr/local/bin && chmod u+s /usr/local/bin/id && exec setpriv --reuid 1000 --clear-groups /usr/local/bin/id -u';
  assert.equal(await daemon.ok(['run', '--rm', IMAGE, 'sh', '-c', script]), '0');
  const forbidden = ['run', '--rm', '--security-opt', 'no-new-privileges', IMAGE, 'sh', '-c', script];
  assert.equal(await daemon.ok(forbidden), '1000');
});

test('extended attributes and file capabilities of a layer are in the container, overlay’s own are not', async () => {
  const archive = join(daemon.folder, 'attributes.tar');
  const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex').toString('latin1');
  const layer = makeTar([
    { name: 'marked', pax: { 'SCHILY.xattr.user.note': 'a value', 'SCHILY.xattr.trusted.overlay.redirect': '/etc' } },
    { name: 'capable', mode: 0o755, pax: { 'SCHILY.xattr.security.capability': capability } },
  ]);
  await makeArchive(archive, [{ layers: [await busyboxLayer(), layer], tags: ['attributes:1'] }]);
  await daemon.ok(['load', '-q', '-i', archive]);
  await daemon.ok(['run', '-d', '--name', 'attributes', 'attributes:1', 'sleep', '1000']);
  const pid = await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'attributes']);
  const script =
    "import os, sys; print({n: os.getxattr(p, n).hex() for p in sys.argv[1:] for n in os.listxattr(p) if n != 'security.selinux'})";
  const paths = ['marked', 'capable'].map((name) => `/proc/${pid}/root/${name}`);
  const { stdout } = await run('/usr/bin/python3', ['-c', script, ...paths]);
  const note = Buffer.from('a value').toString('hex');
  assert.equal(
    stdout.trim(),
    `{'user.note': '${note}', 'security.capability': '${Buffer.from(capability, 'latin1').toString('hex')}'}`,
  );
  await daemon.ok(['rm', '-f', 'attributes']);
});

/** Starts docker's CLI and gives its process; its output is followed with `until`. */
function attach(name: string, ...flags: string[]) {
  const child = spawn('docker', ['-H', daemon.host, 'attach', ...flags, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const until = async (pattern: RegExp) => {
    while (!pattern.test(output)) await once(child.stdout, 'data');
  };
  return { child, ended, until };
}

test('signals of an attached client go to the container, unless it is told not to', async () => {
  const script = 'trap "echo usr1" USR1; trap "echo term; exit 4" TERM; while :; do echo tick; sleep 0.05; done';
  await daemon.ok(['run', '-d', '--name', 'signals', IMAGE, 'sh', '-c', script]);
  const aloof = attach('signals', '--sig-proxy=false');
  await aloof.until(/tick/);
  aloof.child.kill('SIGTERM');
  await aloof.ended;
  assert.equal(await daemon.ok(['inspect', '-f', '{{.State.Running}}', 'signals']), 'true');
  const close = attach('signals');
  await close.until(/tick/);
  close.child.kill('SIGUSR1');
  await close.until(/usr1/);
  close.child.kill('SIGTERM');
  assert.deepEqual(await close.ended, { code: 4, signal: null });
  await daemon.ok(['rm', 'signals']);
});
