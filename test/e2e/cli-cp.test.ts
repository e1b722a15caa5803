/**
 * `cp`, `diff`, `export` and `commit` from the command line. What cp does with every kind of source and target is not
 * written down here: docker's client and ours do the same to two trees, and must have made the same of them.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises'; // biome-ignore format: one line
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { withEachClient } from '#test/support/each-client.ts';
import { makeTar } from '#test/support/tar.ts';
import { openTerminal } from '#test/support/terminal.ts';

/** VFS_CAP_REVISION_2 with CAP_NET_BIND_SERVICE, as a string with a byte in each character. */
const CAPABILITY = '\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0';

const wherry = join(import.meta.dirname, '../../bin/wherry');

/** What is copied, made in `folder`. */
async function makeSources(folder: string): Promise<void> {
  await mkdir(join(folder, 'd/sub'), { recursive: true });
  await writeFile(join(folder, 'f'), 'one');
  await writeFile(join(folder, 'd/x'), 'two');
  await link(join(folder, 'd/x'), join(folder, 'd/y'));
  await writeFile(join(folder, 'd/sub/ü ber'), 'three');
  await symlink('x', join(folder, 'd/l'));
  await symlink('/etc/passwd', join(folder, 'd/abs'));
  await symlink('f', join(folder, 'lf'));
  await symlink('d', join(folder, 'ld'));
  await symlink('gone', join(folder, 'lb'));
  await chmod(join(folder, 'f'), 0o4751);
  await chmod(join(folder, 'd/sub'), 0o1770);
  for (const name of ['f', 'd/x', 'd/sub', 'd']) await utimes(join(folder, name), 1_000_000_000, 1_000_000_000);
}

async function makeTargets(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'dir'), { recursive: true });
  await writeFile(join(folder, 'file'), 'old');
  await symlink('dir', join(folder, 'todir'));
  await symlink('file', join(folder, 'tofile'));
  await symlink('absent', join(folder, 'tonone'));
}

const SOURCES = ['f', 'f/', 'd', 'd/.', 'lf', 'ld', 'ld/', 'ld/.', 'lb', 'none', '-L lf', '-L ld', '-L lb'];
const TARGETS = ['dir', 'dir/', 'file', 'new', 'new/', 'todir', 'todir/', 'tofile', 'tonone', 'none/new'];

/** A tree as lines that can be compared. */
async function treeOf(folder: string, name = '.'): Promise<string[]> {
  const path = join(folder, name);
  const info = await lstat(path);
  const facts = [name, (info.mode & 0o7777).toString(8), info.nlink > 1 && !info.isDirectory() ? 'linked' : ''];
  if (info.isSymbolicLink()) return [[...facts, await readlink(path)].join(' ')];
  const old = info.mtimeMs === 1e12 ? 'old' : '';
  if (!info.isDirectory()) return [[...facts, old, await readFile(path, 'utf8')].join(' ')];
  const below = await Promise.all((await readdir(path)).sort().map((child) => treeOf(folder, join(name, child))));
  return [[...facts, old].join(' '), ...below.flat()];
}

suite('the same as docker does', () => {
  let daemon: TestDaemon;
  let folder: string;
  let inside: string;
  before(async () => {
    daemon = await startDaemon();
    folder = await mkdtemp(join(tmpdir(), 'wherry-cp-'));
    await daemon.ok(['run', '-d', '--name', 'box', 'busybox', 'sleep', '10000']);
    inside = `/proc/${await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'box'])}/root`;
    await mkdir(join(folder, 'from'));
    await makeSources(join(folder, 'from'));
    await mkdir(join(inside, 'from'));
    await makeSources(join(inside, 'from'));
  });
  after(async () => {
    await daemon.close();
    await rm(folder, { recursive: true });
  });

  /** What a client says, and has made of targets of its own below `root`; `line` gives its arguments. */
  async function outcome(client: 'docker' | 'wherry', root: string, line: (targets: string) => string[]) {
    const targets = `/to-${client}`;
    await makeTargets(root + targets);
    const { code, stderr } = await daemon[client](['cp', ...line(targets)]);
    return { code, stderr: stderr.trim().replaceAll(targets, '/to'), tree: await treeOf(root + targets) };
  }

  async function compare(what: string, root: string, line: (targets: string) => string[]) {
    const [theirs, ours] = await Promise.all([outcome('docker', root, line), outcome('wherry', root, line)]);
    assert.deepEqual(ours, theirs, what);
  }

  for (const source of SOURCES) {
    const [flag, name] = source.startsWith('-L ') ? [['-L'], source.slice(3)] : [[], source];
    test(`${source} into a container`, async () => {
      for (const target of TARGETS) {
        await compare(`${source} to ${target}`, inside, (to) => [
          ...flag,
          `${folder}/from/${name}`,
          `box:${to}/${target}`,
        ]);
      }
    });

    test(`${source} out of a container`, async () => {
      for (const target of TARGETS) {
        await compare(`${source} to ${target}`, folder, (to) => [
          ...flag,
          `box:/from/${name}`,
          `${folder}${to}/${target}`,
        ]);
      }
    });
  }
});

withEachClient((cli, client) => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wherry-cp-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('cp of tars through standard input and output', async () => {
    await cli.ok`create --name tars busybox true`;
    const { stdout: tar } = await cli.run(['cp', 'tars:/etc/passwd', '-']);
    assert.equal(tar.slice(0, 6), 'passwd');
    assert.equal((await cli.run(['cp', '-', 'tars:/tmp'], { input: tar })).code, 0);
    await cli.ok`cp tars:/tmp/passwd ${folder}/copied`;
    assert.match(await readFile(join(folder, 'copied'), 'utf8'), /^root:/);
    const refused = await cli.run(['cp', '-', 'tars:/tmp/passwd'], { input: tar });
    assert.match(refused.stderr, /destination "tars:\/tmp\/passwd" must be a directory/);
    await cli.ok`rm tars`;
  });

  test('cp out of a container keeps extended attributes', async () => {
    await cli.ok`create --name marked busybox true`;
    const note = { 'SCHILY.xattr.user.note': 'a value' };
    const tar = makeTar([
      { name: 'marked', type: 'dir', pax: note },
      { name: 'marked/read-only', mode: 0o400, pax: { ...note, 'SCHILY.xattr.security.capability': CAPABILITY } },
      { name: 'marked/link', type: 'symlink', linkName: 'read-only' },
    ]);
    assert.equal((await cli.run(['cp', '-', 'marked:/'], { input: tar })).code, 0);
    await cli.ok`cp marked:/marked ${folder}/out`;
    const script =
      'import os, sys; print([sorted((k, os.getxattr(p, k).decode()) for k in os.listxattr(p)) for p in sys.argv[1:]])';
    const paths = ['out', 'out/read-only'].map((name) => join(folder, name));
    const { stdout } = await promisify(execFile)('python3', ['-c', script, ...paths]);
    const capability = "('security.capability', '\\x01\\x00\\x00\\x02\\x00\\x04";
    assert.ok(stdout.startsWith(`[[('user.note', 'a value')], [${capability}`), stdout);
    assert.ok(stdout.trim().endsWith("), ('user.note', 'a value')]]"), stdout);
    await cli.ok`rm marked`;
  });

  test('cp -a gives files to the user of the container; volumes and stopped containers are no difference', async () => {
    await cli.ok`create --name owned -u 65534:65534 -v /data --read-only busybox sleep 1000`;
    await writeFile(join(folder, 'mine'), 'mine');
    await cli.ok`cp -a ${folder}/mine owned:/data/`;
    await cli.ok`cp -q ${folder}/mine owned:/data/plain`;
    await cli.ok`start owned`;
    assert.equal(await cli.ok`exec owned stat -c ${'%u:%g %n'} /data/mine /data/plain`, '65534:65534 /data/mine\n0:0 /data/plain'); // biome-ignore format: one line
    assert.match(await cli.fails`cp ${folder}/mine owned:/`, /marked read-only/);
    await cli.ok`rm -f -v owned`;
  });

  test('cp refuses what it cannot do', async () => {
    await cli.ok`create --name no busybox true`;
    assert.match(await cli.fails`cp no:/etc no:/tmp`, /copying between containers is not supported/);
    assert.match(await cli.fails`cp /etc ./no:etc`, /must specify at least one container source/);
    assert.match(await cli.fails`cp ${''} no:/etc`, /source can not be empty/);
    assert.match(await cli.fails`cp no:/etc ${''}`, /destination can not be empty/);
    assert.match(await cli.fails`cp no:/nope ${folder}`, /Could not find the file \/nope in container no/);
    assert.match(await cli.fails`cp nobody:/etc ${folder}`, /No such container: nobody/);
    assert.match(
      await cli.fails`cp no:/etc ${folder}/a/b/c`,
      /invalid output path: directory "\S+\/a\/b" does not exist/,
    );
    assert.match(await cli.fails`cp no:/etc /dev/null`, /must be a directory or a regular file/);
    await cli.ok`rm no`;
  });

  test('cp tells on a terminal how much it has copied', async () => {
    await cli.ok`create --name told busybox true`;
    await writeFile(join(folder, 'big'), Buffer.alloc(3_000_000));
    const program = client === 'docker' ? 'docker' : wherry;
    const copy = (...args: string[]) =>
      openTerminal([program, '-H', cli.daemon.host, 'cp', ...args], {
        ...process.env,
        DOCKER_CONFIG: cli.daemon.folder,
      });
    const into = copy(`${folder}/big`, 'told:/tmp');
    await into.until(/Successfully copied 3MB to told:\/tmp/);
    assert.equal(await into.ended, 0);
    const out = copy('told:/tmp/big', `${folder}/again`);
    await out.until(/Copying from container - [\s\S]*Successfully copied 3MB to \S+\/again/);
    assert.equal(await out.ended, 0);
    await cli.ok`rm told`;
  });

  test('diff, export and commit', async () => {
    await cli.ok`run --name work busybox sh -c ${'mkdir /new; echo x >/new/file; rm /bin/yes; chmod 700 /tmp'}`;
    assert.equal(await cli.ok`diff work`, 'C /bin\nD /bin/yes\nA /new\nA /new/file\nC /tmp');
    assert.match(await cli.fails`diff nobody`, /No such container: nobody/);
    await cli.ok`export -o ${folder}/work.tar work`;
    const { stdout: exported } = await cli.run(['container', 'export', 'work']);
    const written = await readFile(join(folder, 'work.tar'));
    assert.equal(exported.length > 1000 && exported.includes('new/file'), true);
    assert.ok(written.includes('new/file'));
    assert.match(await cli.fails`export -o ${folder}/no/work.tar work`, /invalid output path/);

    const change = ['-c', 'CMD ["cat", "/new/file"]', '--change', 'ENV A=b'];
    const id = await cli.ok`commit -a ${'Some One <some@one>'} -m ${'a file'} ${change} work made:first`;
    assert.match(id, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await cli.ok`run --rm made:first`, 'x');
    const shown = await cli.ok`inspect -f ${'{{.Id}} {{.Author}}|{{.Comment}}|{{.Config.Env}}'} made:first`;
    assert.match(shown, new RegExp(`^${id} Some One <some@one>\\|a file\\|\\[.*A=b\\]$`));
    assert.match(await cli.ok`container commit work`, /^sha256:/);
    assert.match(await cli.fails`commit work MADE`, /must be lowercase|invalid reference format/);
    assert.match(await cli.fails`commit nobody`, /No such container: nobody/);
    await cli.ok`rm work`;
  });

  test('commit pauses the container, unless it is told not to', async () => {
    await cli.ok`run -d --name busy busybox sleep 1000`;
    const events = async (since: number) => {
      const span = [`--since`, new Date(since).toISOString(), '--until', new Date().toISOString()];
      return cli.ok`events ${span} --filter container=busy --format ${'{{.Action}}'}`;
    };
    const first = Date.now();
    await cli.ok`commit busy`;
    assert.equal(await events(first), 'pause\ncommit\nunpause');
    const second = Date.now();
    await cli.ok`commit --pause=false busy`;
    assert.equal(await events(second), 'commit');
    await cli.ok`rm -f busy`;
  });
});
