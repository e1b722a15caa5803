/** What is in containers, through the API: changes, export, archive, commit, sizes. The CLI's side is in cli-cp.test.ts. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { TarEntry } from '#archive/tar-entry.ts';
import { readTar } from '#archive/tar-stream.ts';
import { type ContractEntry, makeLayer } from '#graphdriver/contract-tree.ts';
import { type Answer, ask } from '#test/support/ask.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { engineTime } from '#test/support/events.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

const ok = (...line: Parameters<typeof words>) => daemon.ok(words(...line));
/** Starts a container that runs `script`, says so, and sleeps. */
async function started(name: string, script: string, ...flags: string[]): Promise<void> {
  const all = `${script}\necho ready; sleep 1000`;
  await daemon.ok(['run', '-d', '--stop-timeout', '0', '--name', name, ...flags, 'busybox', 'sh', '-c', all]);
  for (let tries = 0; !(await daemon.ok(['logs', name])).includes('ready'); tries++) {
    assert.ok(tries < 1000, `the script of ${name} does not get ready`);
    await sleep(20);
  }
}
const shell = (name: string, script: string) => daemon.ok(['exec', name, 'sh', '-c', script]);
const api = (method: string, path: string, body?: object | Buffer, type?: string) =>
  ask(daemon.socket, method, `/v1.45${path}`, body, type);

interface Bytes {
  status: number;
  headers: Answer['headers'];
  body: Buffer;
}

/** A reply whose body is not text. */
function bytesOf(path: string, method = 'GET'): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: daemon.socket, method, path: `/v1.45${path}`, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      reply.on('end', () =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject).end();
  });
}

async function entriesOf(tar: Buffer): Promise<Map<string, { entry: TarEntry; body: string }>> {
  const found = new Map<string, { entry: TarEntry; body: string }>();
  const source = (async function* () {
    yield tar;
  })();
  for await (const { entry, body } of readTar(source)) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    found.set(entry.name, { entry, body: Buffer.concat(chunks).toString('latin1') });
  }
  return found;
}

const statOf = ({ headers }: Pick<Bytes, 'headers'>) =>
  JSON.parse(Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString());
const put = (name: string, path: string, tar: Buffer, more = '') =>
  api('PUT', `/containers/${name}/archive?path=${encodeURIComponent(path)}${more}`, tar, 'application/x-tar');
const file = (name: string, body = name): ContractEntry => ({ type: 'file', name, body });

/** Removed containers go in the background. */
async function nothingMounted(): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    if (!mounts.some((line) => line.includes(`${daemon.dataRoot}/graph/containers`))) return;
    await sleep(20);
  }
  assert.fail('a container stays mounted');
}

describe('what a container changed', () => {
  test('is listed, counted and exported, running and stopped', async () => {
    await started('ch', 'rm /bin/true; mkdir /d; head -c 1000 /dev/zero > /d/f; ln -s f /d/l; chmod 700 /tmp', '--tmpfs', '/t', '-v', '/v'); // biome-ignore format: one line
    await shell('ch', 'echo hidden > /t/x; echo hidden > /v/x');
    const look = async () => {
      const changes = JSON.parse((await api('GET', '/containers/ch/changes')).text);
      assert.deepEqual(changes.map(({ Kind, Path }: { Kind: number; Path: string }) => `${Kind} ${Path}`), [
        '0 /bin', '2 /bin/true', '1 /d', '1 /d/f', '1 /d/l', '1 /t', '0 /tmp', '1 /v',
      ]); // biome-ignore format: one line
      const inspected = JSON.parse((await api('GET', '/containers/ch/json?size=1')).text);
      assert.equal(inspected.SizeRw, 1001);
      const image = JSON.parse((await api('GET', '/images/busybox/json')).text);
      assert.equal(inspected.SizeRootFs, 1001 + image.Size);
      const [row] = JSON.parse((await api('GET', '/containers/json?all=1&size=1&filters={"name":["ch"]}')).text);
      assert.deepEqual([row.SizeRw, row.SizeRootFs], [inspected.SizeRw, inspected.SizeRootFs]);
      const { status, headers, body } = await bytesOf('/containers/ch/export');
      assert.deepEqual([status, headers['content-type']], [200, 'application/octet-stream']);
      const entries = await entriesOf(body);
      assert.equal(entries.get('d/f')!.body.length, 1000);
      assert.equal(entries.get('tmp/')!.entry.mode, 0o700);
      for (const name of ['.dockerenv', 'dev/console', 'proc/', 'sys/', 'etc/hosts', 'v/', 't/'])
        assert.ok(entries.has(name), name);
      for (const name of ['bin/true', 'v/x', 't/x', 'proc/version', 'dev/null']) assert.equal(entries.has(name), false);
      assert.equal(entries.get('etc/hosts')!.body, '', 'what is mounted on the root is left out');
    };
    await look();
    assert.equal(JSON.parse((await api('GET', '/containers/ch/json')).text).SizeRw, undefined);
    await ok`stop ch`;
    await look();
    await nothingMounted();
    await ok`rm -v ch`;
  });

  test('of what is not there, in dockers words', async () => {
    for (const path of ['changes', 'export', 'archive?path=/']) {
      const { status, message } = await api('GET', `/containers/nope/${path}`);
      assert.deepEqual([status, message], [404, 'No such container: nope']);
    }
    await ok`create --name ed busybox true`;
    const refused = async (method: string, path: string) => {
      const { status, message } = await api(method, `/containers/ed/archive${path}`, method === 'PUT' ? makeLayer([]) : undefined, 'application/x-tar'); // biome-ignore format: one line
      return [status, message];
    };
    for (const method of ['GET', 'PUT']) {
      assert.deepEqual(await refused(method, ''), [400, 'bad parameter: path cannot be empty']);
      assert.deepEqual(await refused(method, '?path=/no'), [404, 'Could not find the file /no in container ed']);
    }
    assert.equal((await api('HEAD', '/containers/ed/archive?path=/no')).status, 404);
    assert.deepEqual(await refused('PUT', '?path=/bin/ls'), [400, 'extraction point is not a directory']);
    assert.equal((await api('GET', '/containers/ed/archive?path=/bin/ls/x')).status, 500);
    await ok`rm ed`;
  });
});

describe('the archive of a path', () => {
  test('is told and read as dockerd does, links and ends of paths included', async () => {
    await started('rd', 'mkdir -p /d/e; echo 1 > /d/f; touch -d 200102030000 /d/f; ln -s /etc /l; ln -s /nope/x /d/broken; ln -s ../d/f /root/up'); // biome-ignore format: one line
    const looked = async () => {
      const stat = async (path: string) => {
        const { name, mode, linkTarget } = statOf(await bytesOf(`/containers/rd/archive?path=${path}`, 'HEAD'));
        return [name, mode, linkTarget];
      };
      const [link, directory] = [0o777 + 2 ** 27, 0o755 + 2 ** 31];
      assert.deepEqual(await stat('/l'), ['l', link, '/etc']);
      assert.deepEqual(await stat('/l/'), ['l', directory, '']);
      assert.deepEqual(await stat('/d/broken'), ['broken', link, '/nope/x']);
      assert.deepEqual(await stat('root/up'), ['up', link, '/d/f']);
      assert.deepEqual(await stat('/d/.'), ['.', directory, '']);
      assert.deepEqual(await stat('/'), ['/', directory, '']);
      assert.deepEqual(await stat('/d/../d/f'), ['f', 0o644, '']);
      const reply = await bytesOf('/containers/rd/archive?path=/d/f');
      assert.equal(reply.headers['content-type'], 'application/x-tar');
      assert.deepEqual(statOf(reply), {
        name: 'f',
        size: 2,
        mode: 0o644,
        mtime: '2001-02-03T00:00:00Z',
        linkTarget: '',
      });
      assert.equal((await entriesOf(reply.body)).get('f')!.body, '1\n');
      const names = async (path: string) =>
        [...(await entriesOf((await bytesOf(`/containers/rd/archive?path=${path}`)).body)).keys()].slice(0, 3);
      assert.deepEqual(await names('/d'), ['d/', 'd/broken', 'd/e/']);
      assert.deepEqual(await names('/d/.'), ['./', './broken', './e/']);
      assert.deepEqual(await names('/l'), ['l']);
      assert.deepEqual(await names('/l/'), ['l/', 'l/group', 'l/hostname']);
      assert.deepEqual(await names('/'), ['/', '/.dockerenv', '/bin/']);
    };
    await looked();
    assert.match((await entriesOf((await bytesOf('/containers/rd/archive?path=/etc/hosts')).body)).get('hosts')!.body, /localhost/); // biome-ignore format: one line
    assert.equal((await api('GET', '/containers/rd/archive?path=/proc/version')).status, 404);
    await ok`stop rd`;
    await looked();
    const old = await ask(daemon.socket, 'POST', '/v1.20/containers/rd/copy', { Resource: 'root/up' });
    assert.equal(old.status, 200);
    assert.ok((await entriesOf(Buffer.from(old.text))).has('f'), 'the old way follows links');
    assert.equal((await api('POST', '/containers/rd/copy', { Resource: '/d' })).status, 404);
    await ok`rm rd`;
  });

  test('is written with all that a tar says, running and stopped', async () => {
    const tar = makeLayer([
      { type: 'directory', name: 'in', mode: 0o1770, uid: 5, gid: 6, mtime: 1_500_000_000, mtimeNs: 7 },
      { type: 'file', name: 'in/f', body: 'x'.repeat(300_000), mode: 0o4755, uid: 70_000, gid: 8, mtime: 1_400_000_000, mtimeNs: 123, xattrs: new Map([['user.a', Buffer.from('b')]]) },
      { type: 'link', name: 'in/h', linkName: 'in/f', mode: 0o4755, uid: 70_000, gid: 8, mtime: 1_400_000_000, mtimeNs: 123 },
      { type: 'symlink', name: 'in/l', linkName: '/nowhere', uid: 9, mtime: 1_300_000_000, mtimeNs: 5 },
      { type: 'character', name: 'in/null', deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
      { type: 'fifo', name: 'in/p' },
      { type: 'file', name: 'deep/er/f', body: '' },
      { type: 'file', name: '.wh.f', body: '' },
    ]); // biome-ignore format: one line
    await started('wr', 'true');
    await ok`create --name ws busybox true`;
    for (const name of ['wr', 'ws']) {
      assert.equal((await put(name, '/root', gzipSync(tar))).status, 200, 'compressed or not');
      assert.equal((await put(name, '/root', tar)).status, 200, 'once more over itself');
      const entries = await entriesOf((await bytesOf(`/containers/${name}/archive?path=/root/.`)).body);
      const told = (at: string) => {
        const { type, mode, uid, gid, mtime, mtimeNs, linkName, deviceMajor, deviceMinor } = entries.get(at)!.entry;
        return [type, mode, uid, gid, mtime, mtimeNs, linkName, deviceMajor, deviceMinor].join();
      };
      assert.equal(told('./in/'), 'directory,1016,5,6,1500000000,7,,0,0');
      assert.equal(told('./in/f'), 'file,2541,70000,8,1400000000,123,,0,0');
      assert.equal(told('./in/h'), 'link,2541,70000,8,1400000000,123,./in/f,0,0');
      assert.equal(told('./in/l'), 'symlink,511,9,0,1300000000,5,/nowhere,0,0');
      assert.equal(told('./in/null'), 'character,438,0,0,0,0,,1,3');
      assert.equal(told('./in/p'), 'fifo,420,0,0,0,0,,0,0');
      assert.equal(entries.get('./in/f')!.entry.xattrs!.get('user.a')!.toString(), 'b');
      assert.equal(entries.get('./in/f')!.body.length, 300_000);
      assert.ok(entries.has('./.wh.f'), 'a name like any other');
      assert.equal(entries.get('./deep/er/')!.entry.mode, 0o755);
    }
    assert.match(await shell('wr', 'ls /root/in'), /null/);
    await ok`rm -f wr ws`;
    await nothingMounted();
  });

  test('keeps kinds, read-only roots and users as asked', async () => {
    await started('kk', 'mkdir -p /d/a; echo > /d/b; echo me:x:1234:1234::/:/bin/sh >> /etc/passwd', '--user', '0');
    const tar = makeLayer([file('a'), { type: 'directory', name: 'b' }]);
    const told = async (answer: Promise<Answer>) => {
      const { status, message } = await answer;
      return [status, message];
    };
    assert.deepEqual(await told(put('kk', '/d', makeLayer([file('a')]), '&noOverwriteDirNonDir=true')), [
      400,
      'cannot overwrite directory "/d/a" with non-directory "/d"',
    ]);
    assert.deepEqual(await told(put('kk', '/d', makeLayer([{ type: 'directory', name: 'b' }]), '&noOverwriteDirNonDir=1')), [
      400,
      'cannot overwrite non-directory "/d/b" with directory "/d"',
    ]); // biome-ignore format: one line
    assert.equal((await put('kk', '/d', tar)).status, 200);
    assert.equal(await shell('kk', 'cat /d/a; test -d /d/b && echo folder'), 'afolder');
    await ok`commit kk with-user`;
    await ok`run -d --name ku --user me --stop-timeout 0 with-user sleep 1000`;
    assert.equal((await put('ku', '/d', makeLayer([file('mine')]), '&copyUIDGID=1')).status, 200);
    assert.equal(await shell('ku', 'stat -c %u:%g /d/mine'), '1234:1234');
    await ok`create --name kc --user me with-user`;
    assert.equal((await put('kc', '/d', makeLayer([file('mine')]), '&copyUIDGID=1')).status, 200);
    const entry = (await entriesOf((await bytesOf('/containers/kc/archive?path=/d/mine')).body)).get('mine')!.entry;
    assert.equal(entry.uid, 1234);
    await started('ro', 'true', '--read-only', '-v', '/w', '-v', 'keepro:/r:ro', '--tmpfs', '/t');
    assert.deepEqual(await told(put('ro', '/etc', tar)), [403, 'container rootfs is marked read-only']);
    assert.deepEqual(await told(put('ro', '/r', tar)), [403, 'mounted volume is marked read-only']);
    for (const path of ['/w', '/t']) assert.equal((await put('ro', path, tar)).status, 200, path);
    assert.equal(await shell('ro', 'cat /w/a /t/a'), 'aa');
    await ok`rm -fv kk ku kc ro`;
    await ok`volume rm keepro`;
    await ok`rmi with-user`;
  });

  test('has volumes and binds in it, also of a container that never ran', async () => {
    const bound = await mkdtemp('/var/tmp/wherry-bound-');
    writeFileSync(join(bound, 'f'), 'bound');
    await ok`create --name vb -v vol:/vol -v ${bound}:/deep/bound -v ${bound}/f:/etc/one busybox true`;
    assert.equal((await put('vb', '/vol', makeLayer([file('in')]))).status, 200);
    assert.equal(await readFile(join(daemon.dataRoot, 'volumes/vol/_data/in'), 'utf8'), 'in');
    const content = async (path: string, name: string) =>
      (await entriesOf((await bytesOf(`/containers/vb/archive?path=${path}`)).body)).get(name)!.body;
    assert.equal(await content('/deep/bound/f', 'f'), 'bound');
    assert.equal(await content('/etc/one', 'one'), 'bound');
    assert.equal((await put('vb', '/deep/bound', makeLayer([file('new')]))).status, 200);
    assert.equal(await readFile(join(bound, 'new'), 'utf8'), 'new');
    await ok`rm vb`;
    await ok`volume rm vol`;
    await rm(bound, { recursive: true });
  });
});

describe('what is hostile', () => {
  test('names and links of an archive do not lead out', async () => {
    await started('hn', 'mkdir /d; ln -s /etc /d/etc; ln -s ../../../../../../.. /d/up');
    const tried = async (entries: ContractEntry[]) => {
      const { status, message } = await put('hn', '/d', makeLayer(entries));
      return [status, message];
    };
    assert.deepEqual(await tried([file('../../evil')]), [400, '"../../evil" is outside of "/d"']);
    assert.deepEqual(await tried([{ type: 'link', name: 'h', linkName: '../../etc/passwd' }]), [
      400,
      'invalid hardlink "/d/h" -> "../../etc/passwd"',
    ]);
    assert.deepEqual(await tried([{ type: 'link', name: 'h', linkName: 'none' }]), [
      400,
      'invalid hardlink "h" -> "none"',
    ]);
    const mark = `wherry-${process.pid}-mark`;
    assert.deepEqual(await tried([file(`etc/${mark}`), file(`up/${mark}`)]), [200, '']);
    assert.equal(await shell('hn', `ls /etc/${mark} /${mark}`), `/etc/${mark}\n/${mark}`);
    assert.equal(existsSync(`/etc/${mark}`) || existsSync(`/${mark}`), false);
    for (const tar of [Buffer.alloc(600, 'x'), makeLayer([file('a')]).subarray(0, 400)]) {
      assert.equal((await put('hn', '/d', tar)).status, 400);
    }
    assert.equal((await put('hn', '/d', Buffer.alloc(0))).status, 200);
    await ok`rm -f hn`;
  });

  test('the hosts processes do not lead out either', async () => {
    await started('hp', 'ln -s /proc/1/root/etc /host-etc; ln -s /proc/1/root /r', '--pid', 'host', '-v', '/proc:/mnt');
    for (const path of [
      '/host-etc/hostname',
      '/r/etc/hostname',
      '/mnt/1/root/etc/hostname',
      '/mnt/self/root/etc/hostname',
    ])
      assert.notEqual((await bytesOf(`/containers/hp/archive?path=${path}`)).status, 200, path);
    const mark = `wherry-${process.pid}-mark`;
    for (const path of ['/host-etc', '/r/etc', '/mnt/1/root/etc', '/mnt/1/cwd'])
      assert.notEqual((await put('hp', path, makeLayer([file(mark)]))).status, 200, path);
    assert.equal(existsSync(`/etc/${mark}`), false);
    await ok`rm -f hp`;
  });

  test('a container that swaps links meanwhile gains nothing', async () => {
    const outside = await mkdtemp('/var/tmp/wherry-outside-');
    mkdirSync(join(outside, 'x'));
    const swap = `cd /d; while :; do mkdir -p s; rm -rf s; ln -s ${outside} s; rm s; ln -s / s; rm s; done`;
    await started('sw', `mkdir /d; (${swap}) 2>/dev/null &`);
    const entries = Array.from({ length: 300 }, (_, index) => file(`s/x/f${index}`));
    const stop = AbortSignal.timeout(2000);
    while (!stop.aborted) {
      await put('sw', '/d', makeLayer(entries));
      await bytesOf('/containers/sw/archive?path=/d/s/');
      await bytesOf('/containers/sw/archive?path=/d');
    }
    assert.deepEqual(readdirSync(join(outside, 'x')), [], 'nothing was written to the host');
    await ok`rm -f sw`;
    await rm(outside, { recursive: true });
  });

  test('devices and pipes of a container are not opened', async () => {
    await started('dv', 'mkdir /d; mkfifo /d/p; mknod /d/zero c 1 5; mknod /d/disk b 7 0', '--cap-add', 'MKNOD');
    const types = [...(await entriesOf((await bytesOf('/containers/dv/archive?path=/d')).body)).values()];
    assert.deepEqual(types.map(({ entry }) => entry.type), ['directory', 'block', 'fifo', 'character']); // biome-ignore format: one line
    await ok`rm -f dv`;
  });
});

describe('commit', () => {
  test('makes an image of the changes, its config and its history', async () => {
    await started('cm', 'echo hi > /new; rm /bin/true', '--env', 'A=a', '--label', 'k=v');
    const { status, text } = await api('POST', '/commit?container=cm&repo=made&tag=v1&comment=why&author=me&changes=ENV%20B=b&changes=CMD%20%5B%22cat%22%2C%22/new%22%5D'); // biome-ignore format: one line
    assert.equal(status, 201);
    const image = JSON.parse(await ok`inspect made:v1`)[0];
    assert.equal(JSON.parse(text).Id, image.Id);
    const base = JSON.parse(await ok`inspect busybox`)[0];
    assert.deepEqual([image.Parent, image.Author, image.Comment], [base.Id, 'me', 'why']);
    assert.deepEqual([image.Config.Cmd, image.Config.Labels], [['cat', '/new'], { k: 'v' }]);
    assert.deepEqual(
      image.Config.Env.filter((item: string) => /^[AB]=/.test(item)),
      ['A=a', 'B=b'],
    );
    assert.deepEqual(image.RootFS.Layers.slice(0, -1), base.RootFS.Layers);
    assert.equal(image.Size, base.Size + 3);
    assert.equal(await ok`run --rm made:v1`, 'hi');
    assert.match((await daemon.docker(words`run --rm made:v1 true`)).stderr, /"true": executable file not found/);
    const [newest] = JSON.parse((await api('GET', '/images/made:v1/history')).text);
    assert.match(newest.CreatedBy, /^sh -c echo hi > \/new/);
    await ok`rm -f cm`;
    await ok`rmi made:v1`;
  });

  test('of a config of its own, without a name, of nothing changed', async () => {
    await ok`create --name cc --env A=a busybox sleep 1`;
    const config = { Cmd: ['own'], Env: ['Z=z'], Hostname: 'h' };
    const id = JSON.parse((await api('POST', '/commit?container=cc', config)).text).Id;
    const image = JSON.parse((await api('GET', `/images/${id}/json`)).text);
    assert.deepEqual([image.RepoTags, image.Config.Cmd], [[], ['own']]);
    assert.ok(image.Config.Env.includes('Z=z') && image.Config.Env.includes('A=a'));
    assert.deepEqual(image.RootFS.Layers, JSON.parse(await ok`inspect busybox`)[0].RootFS.Layers);
    await ok`rm cc`;
    await ok`rmi ${id}`;
  });

  test('that is refused leaves nothing', async () => {
    await ok`create --name cr busybox true`;
    const before = await ok`images -aq`;
    const refused = async (query: string) => {
      const { status, message } = await api('POST', `/commit?${query}`);
      return `${status} ${message}`;
    };
    assert.equal(await refused('container=none'), '404 No such container: none');
    assert.equal(await refused(''), '400 invalid name or ID supplied: ""');
    assert.match(
      await refused('container=cr&repo=BAD'),
      /^400 invalid reference format: repository name \(library\/BAD\)/,
    );
    assert.match(await refused('container=cr&repo=a&tag=b:c'), /^400 invalid tag format/);
    assert.match(await refused('container=cr&changes=FOO+x'), /^400 FOO is not a valid change command/);
    assert.equal(await ok`images -aq`, before);
    assert.deepEqual(readdirSync(join(daemon.dataRoot, 'content/ingest')), []);
    await ok`rm cr`;
  });

  test('stops the processes meanwhile, and tells what happened in dockers order', async () => {
    await started('ce', 'true');
    const since = await engineTime(daemon);
    await ok`commit ce ev:1`;
    await ok`commit --pause=false ce ev:2`;
    await api('GET', '/containers/ce/archive?path=/tmp');
    await put('ce', '/tmp', makeLayer([]));
    await bytesOf('/containers/ce/export');
    const events =
      await ok`events --since ${since} --until ${await engineTime(daemon)} --format ${'{{.Action}} {{.Actor.Attributes.imageRef}}'}`;
    assert.deepEqual(events.replaceAll('<no value>', '').split('\n').map((line) => line.trim()), [
      'pause', 'tag', 'commit ev:1', 'unpause', 'tag', 'commit ev:2', 'archive-path', 'extract-to-dir', 'export',
    ]); // biome-ignore format: one line
    assert.equal(await shell('ce', 'echo runs'), 'runs');
    await ok`rm -f ce`;
    await ok`rmi ev:1 ev:2`;
  });
});
