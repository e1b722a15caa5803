import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { MountPoint } from '#api/types/mount.ts';
import { readMountInfo } from '#linux/mountinfo.ts';
import { type Database, openDatabase } from '#metadata/database.ts';
import { startLauncher, type TestLauncher } from '#test/support/launcher.ts';
import { openVolumes, type VolumeStore } from './volumes.ts';

const folder = await mkdtemp(join(tmpdir(), 'wherry-volumes-'));
const root = join(folder, 'volumes');
let database: Database;
let server: TestLauncher;
let volumes: VolumeStore;
const events: string[] = [];
const quarantined: string[] = [];

const open = () =>
  openVolumes({
    root,
    database,
    launcher: server.launcher,
    onEvent: (action, name) => events.push(`${action} ${name}`),
    onQuarantine: (path) => quarantined.push(path),
  });

before(async () => {
  server = await startLauncher();
  database = await openDatabase(join(folder, 'test.db'));
  volumes = await open();
});

after(async () => {
  for (const { mountPoint } of await readMountInfo()) {
    if (mountPoint.startsWith(`${folder}/`)) await server.launcher.unmount(mountPoint, { detach: true });
  }
  await database.close();
  await server.close();
  await rm(folder, { recursive: true });
});

const pointOf = (name: string): MountPoint => ({
  Type: 'volume',
  Name: name,
  Source: '',
  Destination: '/v',
  Mode: '',
  RW: true,
  Propagation: '',
});

test('a volume is a folder and a row; another of the same name is the same', async () => {
  const made = await volumes.create({ Name: 'data', Labels: { a: 'b' } });
  assert.deepEqual(made, await volumes.create({ Name: 'data', Labels: { c: 'd' } }));
  assert.equal(made.Mountpoint, join(root, 'data/_data'));
  assert.match(made.CreatedAt!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal((await lstat(made.Mountpoint)).mode & 0o7777, 0o755);
  assert.equal(JSON.parse(await readFile(join(root, 'data/opts.json'), 'utf8')).labels.a, 'b');
  assert.deepEqual((await open()).inspect('data'), made);
});

test('a volume without a name has 64 hex digits and says that it is anonymous', async () => {
  const { Name, Labels } = await volumes.create({});
  assert.match(Name, /^[0-9a-f]{64}$/);
  assert.deepEqual(Labels, { 'com.docker.volume.anonymous': '' });
});

test("what cannot be a volume is refused in Docker's words", async () => {
  const refused: [Parameters<VolumeStore['create']>[0], string][] = [
    [{ Name: 'a' }, 'create a: volume name is too short, names should be at least two alphanumeric characters'],
    [
      { Name: '../x' },
      'create ../x: "../x" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    ],
    [{ Name: 'v3', DriverOpts: { foo: 'bar' } }, 'create v3: invalid option: "foo"'],
    [{ Name: 'v3', DriverOpts: { type: 'tmpfs' } }, 'create v3: missing required option: "device"'],
    [{ Name: 'v3', DriverOpts: { device: 'tmpfs' } }, 'create v3: missing required option: "type"'],
    [{ Name: 'v3', DriverOpts: { size: '1G' } }, 'create v3: quota size requested but no quota support'],
    [{ Name: 'v3', Driver: 'nope' }, 'create v3: error looking up volume plugin nope: plugin "nope" not found'],
  ];
  for (const [request, message] of refused) await assert.rejects(volumes.create(request), { message });
  assert.throws(() => volumes.inspect('v3'), { kind: 'not-found', message: 'get v3: no such volume' });
});

test('a volume that a container names stays; without one it goes with its data', async () => {
  const { Mountpoint } = await volumes.create({ Name: 'used' }, 'c1');
  volumes.use('used', 'c2');
  await writeFile(join(Mountpoint, 'file'), 'x');
  await assert.rejects(volumes.remove('used', { force: true }), {
    kind: 'conflict',
    message: 'remove used: volume is in use - [c1, c2]',
  });
  await volumes.removeIfUnused('used');
  volumes.release('c1');
  volumes.release('c2');
  await volumes.removeIfUnused('used');
  assert.throws(() => volumes.inspect('used'), { kind: 'not-found' });
  assert.deepEqual(
    (await readdir(root, { recursive: true })).filter((name) => name.includes('used')),
    [],
  );
  await assert.rejects(volumes.remove('used'), { message: 'get used: no such volume' });
  await volumes.remove('used', { force: true });
  assert.deepEqual(events.slice(-2), ['create used', 'destroy used']);
});

test('lists are filtered by use, label, name and driver', async () => {
  await volumes.create({ Name: 'list-1', Labels: { team: 'red' } }, 'c1');
  await volumes.create({ Name: 'list-2', Labels: { team: 'blue' } });
  const names = (filters: Record<string, string[]>) =>
    volumes.list(new Map(Object.entries({ name: ['list-'], ...filters }))).Volumes.map(({ Name }) => Name);
  assert.deepEqual(names({}), ['list-1', 'list-2']);
  assert.deepEqual(names({ dangling: ['true'] }), ['list-2']);
  assert.deepEqual(names({ dangling: ['false'] }), ['list-1']);
  assert.deepEqual(names({ label: ['team=red'] }), ['list-1']);
  assert.deepEqual(names({ driver: ['other'] }), []);
  assert.throws(() => names({ bogus: ['x'] }), { kind: 'invalid', message: "invalid filter 'bogus'" });
});

test('an empty volume takes what the image has there: owners, modes, times, hard links, extended attributes', async () => {
  const rootfs = join(folder, 'rootfs');
  await mkdir(join(rootfs, 'srv/real/sub'), { recursive: true });
  await symlink('/srv/real', join(rootfs, 'alias'));
  const file = join(rootfs, 'srv/real/file');
  await writeFile(file, 'hello');
  await chown(file, 1000, 1001);
  await chmod(file, 0o4640);
  await utimes(file, 1e9, 1e9);
  await link(file, join(rootfs, 'srv/real/sub/same'));
  await symlink('/nowhere', join(rootfs, 'srv/real/link'));
  await chown(join(rootfs, 'srv/real'), 7, 8);
  const { Mountpoint } = await volumes.create({ Name: 'filled' }, 'c1');
  await volumes.populate('filled', 'c1', rootfs, '/alias');
  const copied = await lstat(join(Mountpoint, 'file'));
  assert.deepEqual(
    [copied.uid, copied.gid, copied.mode & 0o7777, copied.mtimeMs, copied.nlink],
    [1000, 1001, 0o4640, 1e12, 2],
  );
  assert.equal((await lstat(Mountpoint)).uid, 7);
  assert.ok((await lstat(join(Mountpoint, 'link'))).isSymbolicLink());
  assert.deepEqual(await readdir(join(root, 'filled')), ['_data', 'opts.json']);

  await writeFile(join(rootfs, 'srv/real/later'), '');
  await volumes.populate('filled', 'c1', rootfs, '/alias');
  assert.ok(!(await readdir(Mountpoint)).includes('later'), 'a volume with content is left alone');
});

test('a target that the image does not have leaves the volume empty; one that is a file is refused', async () => {
  const rootfs = join(folder, 'rootfs-2');
  await mkdir(rootfs);
  await writeFile(join(rootfs, 'file'), '');
  await volumes.create({ Name: 'empty' }, 'c1');
  await volumes.populate('empty', 'c1', rootfs, '/none');
  await assert.rejects(volumes.populate('empty', 'c1', rootfs, '/file'), {
    kind: 'invalid',
    message: 'cannot mount volume over existing file, file exists /file',
  });
});

const isMounted = async (name: string) =>
  (await readMountInfo()).filter(({ mountPoint }) => mountPoint === join(root, name, '_data'));

test('a volume with options is mounted while a container runs with it', async () => {
  const DriverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1000,noexec' };
  const { Mountpoint } = await volumes.create({ Name: 'memory', DriverOpts });
  await volumes.mountAll('c1', [pointOf('memory')]);
  await volumes.mountAll('c2', [pointOf('memory')]);
  const mounts = await isMounted('memory');
  assert.equal(mounts.length, 1);
  assert.equal(mounts[0]!.fstype, 'tmpfs');
  assert.ok(mounts[0]!.options.includes('noexec'));
  assert.match(mounts[0]!.superOptions, /size=1024k.*uid=1000|uid=1000.*size=1024k/);
  await volumes.unmountAll('c1');
  assert.equal((await isMounted('memory')).length, 1);
  await volumes.unmountAll('c2');
  await volumes.unmountAll('c2');
  assert.equal((await isMounted('memory')).length, 0);
  assert.deepEqual(await readdir(Mountpoint), []);
});

test('removing a volume that is a folder of the host leaves that folder', async () => {
  const host = join(folder, 'host');
  await mkdir(host);
  await writeFile(join(host, 'precious'), '');
  const DriverOpts = { type: 'none', device: host, o: 'bind' };
  const { Mountpoint } = await volumes.create({ Name: 'bound', DriverOpts });
  await volumes.mountAll('c1', [pointOf('bound')]);
  assert.deepEqual(await readdir(Mountpoint), ['precious']);
  const next = await open();
  await next.restore([{ containerId: 'c1', mountPoints: [pointOf('bound')] }]);
  await next.unmountAll('c1');
  next.release('c1');
  await next.remove('bound');
  assert.deepEqual(await readdir(host), ['precious']);
});

test('options that cannot be mounted fail with the reason', async () => {
  const DriverOpts = { type: 'none', device: join(folder, 'missing'), o: 'bind' };
  await volumes.create({ Name: 'failing', DriverOpts });
  await assert.rejects(volumes.mountAll('c1', [pointOf('failing')]), {
    kind: 'system',
    message: /^error while mounting volume '.*failing\/_data': failed to mount local volume: .*missing/,
  });
});

test('a volume that is gone is not silently a new one', async () => {
  await assert.rejects(volumes.mountAll('c1', [pointOf('vanished')]), { kind: 'not-found' });
});

test('at start a folder without a row is put aside and a begun deletion is finished', async () => {
  await mkdir(join(root, 'stray/_data'), { recursive: true });
  await writeFile(join(root, 'stray/_data/file'), 'kept');
  await mkdir(join(root, '.removed/old-1/_data'), { recursive: true });
  await open();
  assert.equal(quarantined.length, 1);
  assert.equal(await readFile(join(quarantined[0]!, '_data/file'), 'utf8'), 'kept');
  assert.ok(!(await readdir(root)).includes('.removed'));
  await volumes.create({ Name: 'stray' });
  assert.deepEqual(await readdir(join(root, 'stray/_data')), []);
});

test('many requests for one name make one volume', async () => {
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, index) => volumes.create({ Name: 'one' }, `c${index}`)),
  );
  assert.equal(new Set(made.map(({ CreatedAt }) => CreatedAt)).size, 1);
  assert.equal((await database.read("SELECT 1 FROM volumes WHERE name = 'one'")).length, 1);
});
