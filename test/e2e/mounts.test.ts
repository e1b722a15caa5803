/** What containers see of volumes, folders, memory and images that are mounted into them, and what prune leaves. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { run } from '#test/support/daemon.ts';
import { killEngine } from '#test/support/faults.ts';
import { makeArchive } from '#test/support/images.ts';
import { oneDaemon } from '#test/support/one-daemon.ts';
import { makeTar } from '#test/support/tar.ts';
import { words } from '#test/support/words.ts';

const engine = oneDaemon();
const { ok, sh, fails } = engine;
afterEach(async () => {
  await engine.daemon.removeContainers();
  await ok`volume prune -af`;
});
/** Docker's own client of Debian knows the API up to 1.45, and no images as mounts. */
const wherry = async (...line: Parameters<typeof words>) => {
  const { code, stdout, stderr } = await engine.daemon.wherry(words(...line));
  assert.equal(code, 0, stderr);
  return stdout.trimEnd();
};

test('volumes: filled from the image, shared, taken over, read-only, without a copy', async () => {
  assert.match(await sh(words`-v filled:/etc`, 'echo mine > /etc/own; cat /etc/passwd'), /^root:/);
  assert.equal(await sh(words`-v filled:/data:ro`, 'cat /data/own; touch /data/x || echo refused'), 'mine\nrefused');
  assert.equal(await sh(words`--mount type=volume,dst=/etc,volume-nocopy`, 'ls /etc/passwd || echo empty'), 'empty');
  await ok`run --name first -v /anonymous -v filled:/named busybox sh -c ${'echo a > /anonymous/f'}`;
  assert.equal(await sh(words`--volumes-from first`, 'cat /anonymous/f /named/own'), 'a\nmine');
  assert.equal(await sh(words`--volumes-from first:ro`, 'touch /named/x || echo refused'), 'refused');
});

test('a part of a volume; links lead anywhere in it, but not out', async () => {
  await sh(
    words`-v whole:/v`,
    'mkdir -p /v/sub/deep; echo hi > /v/sub/f; cd /v; ln -s /etc out; ln -s sub in; ln -s ../.. up',
  );
  const at = (subpath: string) => words`--mount type=volume,src=whole,dst=/m,volume-subpath=${subpath}`;
  assert.equal(await sh(at('sub'), 'ls /m; echo new > /m/deep/g'), 'deep\nf');
  assert.equal(await sh(at('sub/deep'), 'cat /m/g'), 'new');
  assert.equal(await sh(at('sub/f'), 'cat /m'), 'hi');
  assert.equal(await sh(at('in'), 'ls /m'), 'deep\nf');
  assert.match(
    await fails`run --rm ${at('nope')} busybox true`,
    /cannot access path \S+\/nope: lstat \S+: no such file or directory/,
  );
  for (const subpath of ['out', 'up']) {
    assert.match(await fails`run --rm ${at(subpath)} busybox true`, /path concatenation escapes the base directory/);
  }
  assert.match(await fails`run --rm ${at('../x')} busybox true`, /subpath must be a relative path within the volume/);
  const left = await readFile('/proc/self/mountinfo', 'utf8');
  assert.doesNotMatch(left, new RegExp(`${engine.daemon.execRoot}/parts/`));
  assert.equal(await sh(words`-v whole:/v`, 'cat /v/sub/deep/g'), 'new', 'the volume is whole');
});

test('a container with a part of a volume outlives the engine, and gives it back', async () => {
  await sh(words`-v kept:/v`, 'mkdir /v/sub; echo hi > /v/sub/f');
  await wherry`run -d --name part --mount type=volume,src=kept,dst=/m,volume-subpath=sub --mount type=image,src=busybox,dst=/i busybox sleep 1000`;
  await killEngine(engine.daemon);
  await ok`stop -t 0 part`;
  await ok`start part`;
  await ok`rm -f part`;
  assert.equal(await sh(words`-v kept:/v`, 'cat /v/sub/f'), 'hi');
});

test('an image: all of it or a part, read-only, and in use', async () => {
  const archive = join(engine.daemon.folder, 'files.tar');
  const layer = makeTar([
    { name: 'docs/', type: 'dir' },
    { name: 'docs/readme', body: 'read me\n' },
  ]);
  await makeArchive(archive, [{ layers: [layer], tags: ['files:latest'] }]);
  await ok`load -q -i ${archive}`;
  assert.equal(
    await wherry`run --rm --mount type=image,src=files,dst=/i busybox sh -c ${'cat /i/docs/readme; touch /i/x || echo refused'}`,
    'read me\nrefused',
  );
  assert.equal(await wherry`run --rm --mount type=image,src=files,dst=/i,image-subpath=docs busybox ls /i`, 'readme');
  await wherry`create --name user --mount type=image,src=files,dst=/i busybox cat /i/docs/readme`;
  await ok`create --name heir --volumes-from user busybox cat /i/docs/readme`;
  assert.match(await fails`rmi files`, /conflict: unable to remove/);
  assert.equal(await ok`start -a user`, 'read me');
  await ok`rm user`;
  assert.equal(await ok`start -a heir`, 'read me');
  await ok`rm heir`;
  await ok`rmi files`;
  const { stderr } = await engine.daemon.wherry(words`run --rm --mount type=image,src=files,dst=/i busybox true`);
  assert.match(stderr, /No such image: files/);
});

test('folders of the host: made, refused, read-only with and without what is below, propagation', async () => {
  const folder = join(engine.daemon.folder, 'host');
  const below = join(folder, 'below');
  await mkdir(below, { recursive: true });
  await run('mount', words`-t tmpfs wherry-below ${below}`, '', process.env);
  try {
    await writeFile(join(folder, 'f'), 'x');
    const write = 'touch /m/below/y && echo written || echo refused';
    assert.equal(await sh(words`-v ${folder}:/m:ro`, write), 'refused', 'recursively by default');
    assert.equal(
      await sh(words`--mount type=bind,src=${folder},dst=/m,readonly,bind-recursive=writable`, write),
      'written',
    );
    assert.equal(await sh(words`--mount type=bind,src=${folder},dst=/m,bind-recursive=disabled`, 'ls /m/below'), '');
    assert.equal(await sh(words`-v ${folder}/new:/m`, 'touch /m/made'), '');
    assert.equal(await readFile(join(folder, 'new/made'), 'utf8'), '');
    assert.match(
      await fails`run --rm --mount type=bind,src=${folder}/none,dst=/m busybox true`,
      /bind source path does not exist/,
    );
    await run('mount', words`--make-shared ${below}`, '', process.env);
    const mounting =
      await ok`run --rm --privileged -v ${below}:/m:rshared busybox sh -c ${'mkdir /m/in && mount -t tmpfs wherry-in /m/in && echo ok'}`;
    assert.equal(mounting, 'ok');
    assert.match(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(`${below}/in `));
  } finally {
    await run('umount', words`-R ${below}`, '', process.env);
    await rm(folder, { recursive: true });
  }
});

test('memory: size, mode, owner, flags', async () => {
  const mount = await sh(words`--tmpfs /t:size=1m,exec,uid=33,mode=700`, 'grep " /t " /proc/mounts');
  assert.match(mount, /^tmpfs \/t tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700,uid=33/);
  assert.match(
    await sh(words`--mount type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770`, 'grep " /t " /proc/mounts; stat -c %a /t'),
    /noexec,.*size=2048k,mode=1770.*\n1770$/,
  );
});

test('volumes of memory: mounted while used', async () => {
  await ok`volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=33 ram`;
  assert.match(await sh(words`-v ram:/r`, 'df -k /r; stat -c %u /r'), /tmpfs +1024 [\s\S]*\n33$/);
  assert.equal(await ok`volume prune -af`, 'Total reclaimed space: 0B', 'what options stand for is not pruned');
  await ok`volume rm ram`;
});

test('prune: anonymous volumes, with -a the named ones too, by labels; what is used stays', async () => {
  await ok`volume create named --label a=b`;
  await ok`volume create used`;
  await ok`create --name user -v used:/u busybox true`;
  await ok`run --name filler -v /anonymous busybox sh -c ${'echo 12345 > /anonymous/f'}`;
  await ok`rm filler`;
  assert.match(await ok`volume prune -f`, /^Deleted Volumes:\n\w{64}\n\nTotal reclaimed space: 6B$/);
  assert.equal(await ok`volume ls -q`, 'named\nused');
  assert.equal(await ok`volume prune -af --filter label!=a=b`, 'Total reclaimed space: 0B');
  assert.equal(await ok`volume ls -q -f dangling=true`, 'named');
  const { stdout } = await engine.daemon.wherry(words`volume prune --all`, { input: 'y\n' });
  assert.match(stdout, /WARNING! This will remove all volumes[\s\S]*Deleted Volumes:\nnamed\n/);
  assert.equal(await ok`volume ls -q`, 'used');
  assert.match(await fails`volume prune -f --filter until=1h`, /invalid filter 'until'/);
});

test('wherry’s own commands', async () => {
  assert.equal(await wherry`volume create --label a=b -o type=tmpfs -o device=tmpfs mine`, 'mine');
  assert.match(await wherry`volume create`, /^\w{64}$/);
  assert.match(await wherry`volume ls`, /^DRIVER +VOLUME NAME\nlocal +\w{64}\nlocal +mine$/);
  assert.equal(await wherry`volume ls -f label=a=b --format ${'{{.Name}} {{.Labels}} {{.Size}}'}`, 'mine a=b N/A');
  assert.equal(await wherry`volume inspect -f ${'{{.Options.device}}'} mine`, 'tmpfs');
  assert.equal(await wherry`volume rm mine`, 'mine');
  const missing = await engine.daemon.wherry(words`volume rm mine`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /get mine: no such volume/);
});
