/** `docker load` of what is damaged, false or hostile: refused with the reason, or made harmless; nothing is left. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { footprint, footprintAtRest, untilFootprint } from '#test/support/footprint.ts';
import { busyboxArchive, busyboxLayer, makeArchive } from '#test/support/images.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';
import { words } from '#test/support/words.ts';

let daemon: TestDaemon;
let atRest: string[];
let whole: Buffer;

before(async () => {
  daemon = await startDaemon({ busybox: false });
  whole = await readFile(await busyboxArchive());
  atRest = await footprintAtRest(daemon);
});
after(() => daemon.close());

/** The archive with one byte changed in the middle of its layer. */
function withOneBitFlipped(): Buffer {
  const copy = Buffer.from(whole);
  copy[700_000]! ^= 1;
  return copy;
}

/** An archive of one layer. */
async function archiveOf(entries: TarEntry[], base: Buffer[] = []): Promise<Buffer> {
  const path = join(daemon.folder, 'made.tar');
  await makeArchive(path, [{ layers: [...base, makeTar(entries)], tags: ['made:1'], config: { Cmd: ['sh'] } }]);
  return readFile(path);
}

describe('is refused', () => {
  const cases: [what: string, archive: () => Buffer | Promise<Buffer>, reason: RegExp][] = [
    ['nothing', () => Buffer.alloc(0), /empty/],
    ['noise', () => Buffer.alloc(100_000, 'noise '), /tar header/],
    ['an archive cut in its layer', () => whole.subarray(0, 900_000), /the archive ends|cut/],
    ['a compressed archive that is cut', () => gzipSync(whole).subarray(0, 500_000), /damaged or cut short/],
    ['a layer that is not what its digest says', withOneBitFlipped, /digest|diffID|sha256/],
    ['a layer that is no tar', () => archiveWithLayer(Buffer.alloc(5000, 'no tar')), /tar header at offset 0/],
    [
      'a hard link to what is not there',
      () => archiveOf([{ name: 'a', type: 'link', linkName: 'nowhere' }]),
      /nowhere/,
    ],
    [
      'a hard link that leaves the layer',
      () => archiveOf([{ name: 'a', type: 'link', linkName: '../../../etc/shadow' }]),
      /etc\/shadow/,
    ],
    ['a name that is too long', () => archiveOf([{ name: 'n'.repeat(256) }]), /256|255|too long/],
    [
      'a tar of something else',
      () => makeTar([{ name: 'hello', body: 'world' }]),
      /neither a manifest\.json nor an index\.json/,
    ],
  ];
  for (const [what, archive, reason] of cases) {
    test(what, async () => {
      const { code, stderr, stdout } = await daemon.docker(['load', '-q'], { input: await archive() });
      assert.notEqual(code, 0, stdout);
      assert.match(stderr, reason);
      assert.equal(await daemon.ok(words`images -aq`), '');
      await untilFootprint(daemon, atRest);
    });
  }
});

async function archiveWithLayer(layer: Buffer): Promise<Buffer> {
  const path = join(daemon.folder, 'made.tar');
  await makeArchive(path, [{ layers: [layer], tags: ['made:1'] }]);
  return readFile(path);
}

test('a client that goes away in the middle of a load leaves nothing', async () => {
  const client = spawn('docker', ['-H', daemon.host, 'load', '-q'], { stdio: ['pipe', 'ignore', 'ignore'] });
  client.stdin.on('error', () => {});
  client.stdin.write(whole.subarray(0, 800_000));
  while ((await footprint(daemon)).length === atRest.length) await sleep(5);
  client.kill('SIGKILL');
  await once(client, 'close');
  await untilFootprint(daemon, atRest);
});

test('names that lead out of a layer stay in it', async () => {
  const evil = `/tmp/wherry-evil-${process.pid}`;
  const archive = await archiveOf(
    [
      { name: `../../../../../../../..${evil}`, body: 'up' },
      { name: 'way', type: 'symlink', linkName: '/tmp' },
      { name: `way/${evil.slice('/tmp/'.length)}-2`, body: 'through a link' },
      { name: 'bin/evil', type: 'symlink', linkName: '../../../../../../etc/shadow' },
      { name: 'disk', type: 'block', major: 8, minor: 0, mode: 0o666 },
      { name: 'etc', type: 'dir', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/root' } },
    ],
    [await busyboxLayer()],
  );
  await daemon.docker(['load', '-q'], { input: archive });
  const script = `cat ${evil} ${evil}-2 /tmp/*-2; cat /bin/evil 2>&1; head -c 1 /disk 2>&1; ls /etc`;
  const { stdout } = await daemon.docker(['run', '--rm', 'made:1', 'sh', '-c', script]);
  assert.match(stdout, /^upthrough a linkthrough a link/);
  assert.match(stdout, /can't open '\/bin\/evil'|No such file/);
  assert.match(stdout, /\/disk: Operation not permitted/);
  assert.match(stdout, /^passwd$/m);
  assert.ok(!existsSync(evil) && !existsSync(`${evil}-2`));
  await daemon.ok(words`rmi made:1`);
  await untilFootprint(daemon, atRest);
});

test('a good archive after all of them', async () => {
  await writeFile(join(daemon.folder, 'good.tar'), whole);
  await daemon.ok(words`load -q -i ${join(daemon.folder, 'good.tar')}`);
  assert.equal(await daemon.ok(words`run --rm busybox echo works`), 'works');
  await daemon.ok(words`rmi busybox`);
  await untilFootprint(daemon, atRest);
});
