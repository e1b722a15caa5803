/** Images go between the engine and docker, podman, skopeo and umoci, both ways, and stay the same. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { type Dockerd, startDockerd } from '#test/support/dockerd.ts';
import { makeArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';

let folder: string;
let wherry: TestDaemon;
let dockerd: Dockerd;
/** An archive of `peer/app:v1` and `peer/tool:latest`, which share a layer, as the engine saved it. */
let saved: string;
const ids: Record<string, string> = {};

const base = makeTar([
  { name: 'etc/', type: 'dir' },
  { name: 'etc/motd', body: 'hello from below', mode: 0o640, uid: 7, gid: 8, mtime: 1_700_000_000 },
  { name: 'etc/link', type: 'symlink', linkName: 'motd' },
  { name: 'etc/hard', type: 'link', linkName: 'etc/motd' },
]);
const change = makeTar([
  { name: 'etc/.wh.link', body: '' },
  { name: 'etc/added', body: Buffer.alloc(50_000, 'a') },
]);
const tags = ['peer/app:v1', 'peer/tool:latest'];

const shell = async (line: string) => (await promisify(execFile)('sh', ['-ec', line])).stdout.trim();
const podman = (args: string) =>
  shell(`podman --root ${folder}/podman --runroot ${folder}/podman-run --tmpdir ${folder}/podman-tmp ${args}`);
const skopeo = (args: string) => shell(`skopeo --insecure-policy ${args}`);
const idOf = (name: string) => wherry.ok(['image', 'inspect', '-f', '{{.Id}}', name]);

before(async () => {
  folder = await mkdtemp('/var/tmp/wherry-test-peers-');
  [wherry, dockerd] = await Promise.all([startDaemon({ busybox: false }), startDockerd()]);
  const source = join(folder, 'source.tar');
  await makeArchive(source, [
    { layers: [base, change], tags: [tags[0]!], config: { Cmd: ['sh'], Env: ['A=1'], Labels: { 'a.b': 'c' } } },
    { layers: [base], tags: [tags[1]!] },
  ]);
  await wherry.ok(['load', '-i', source]);
  for (const tag of tags) ids[tag] = await idOf(tag);
  saved = join(folder, 'saved.tar');
  await wherry.ok(['save', '-o', saved, ...tags]);
});

after(async () => {
  await Promise.all([wherry?.close(), dockerd?.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** The archive must bring both images back, with the ids that they had. */
async function assertLoads(archive: string): Promise<void> {
  await wherry.ok(['rmi', ...tags]);
  await wherry.ok(['load', '-i', archive]);
  for (const tag of tags) assert.equal(await idOf(tag), ids[tag], tag);
}

test('docker loads what was saved, and what docker saves is loaded', async () => {
  assert.equal(await dockerd.ok('load', '-q', '-i', saved), tags.map((tag) => `Loaded image: ${tag}`).join('\n'));
  for (const tag of tags) assert.equal(await dockerd.ok('image', 'inspect', '-f', '{{.Id}}', tag), ids[tag]);
  await dockerd.ok('save', '-o', join(folder, 'docker.tar'), ...tags);
  await assertLoads(join(folder, 'docker.tar'));
});

test('podman loads what was saved, and what podman saves is loaded', async () => {
  await podman(`load -q -i ${saved}`);
  const names = tags.map((tag) => `localhost/${tag}`); // as podman calls what comes from docker archives
  for (const [at, name] of names.entries()) {
    assert.equal(`sha256:${await podman(`image inspect -f '{{.Id}}' ${name}`)}`, ids[tags[at]!]);
  }
  await podman(`save -q -m -o ${folder}/podman.tar ${names.join(' ')}`);
  await wherry.ok(['load', '-i', join(folder, 'podman.tar')]);
  for (const [at, name] of names.entries()) assert.deepEqual(await layersOf(name), await layersOf(tags[at]!));
  await wherry.ok(['rmi', ...names]);
  await podman(`save -q --format oci-archive -o ${folder}/podman-oci.tar ${names[0]}`);
  await wherry.ok(['load', '-i', join(folder, 'podman-oci.tar')]);
  assert.deepEqual(await layersOf(names[0]!), await layersOf(tags[0]!));
});

test('skopeo reads both sides of what was saved, and what skopeo writes is loaded', async () => {
  const [app] = tags;
  const config = await skopeo(`inspect --config docker-archive:${saved}:${app}`);
  assert.deepEqual(JSON.parse(config).config.Env, ['A=1']);
  await skopeo(`copy docker-archive:${saved}:${app} docker-archive:${folder}/skopeo.tar:copy/docker:v1`);
  await skopeo(`copy oci-archive:${saved}:v1 oci-archive:${folder}/skopeo-oci.tar:copy/oci:v1`);
  for (const [name, archive] of [
    ['copy/docker:v1', 'skopeo.tar'],
    ['copy/oci:v1', 'skopeo-oci.tar'],
  ] as const) {
    await wherry.ok(['load', '-i', join(folder, archive)]);
    assert.deepEqual(await layersOf(name), await layersOf(app!));
  }
});

test('umoci unpacks what was saved, and what umoci makes of it is loaded', async () => {
  const layout = join(folder, 'layout');
  await mkdir(layout);
  await shell(`tar -xf ${saved} -C ${layout}`);
  await shell(`umoci unpack --image ${layout}:v1 ${folder}/bundle`);
  assert.equal(await readFile(join(folder, 'bundle/rootfs/etc/hard'), 'utf8'), 'hello from below');
  assert.equal(await shell(`ls ${folder}/bundle/rootfs/etc`), 'added\nhard\nmotd');
  await shell(
    `echo more > ${folder}/bundle/rootfs/etc/more; umoci repack --image ${layout}:peer/umoci:v2 ${folder}/bundle`,
  );
  await shell(`sed -i 's/"io.containerd.image.name":"[^"]*",//g' ${layout}/index.json`); // umoci copies it
  await shell(`rm ${layout}/manifest.json ${layout}/repositories; tar -cf ${folder}/umoci.tar -C ${layout} .`);
  await wherry.ok(['load', '-i', join(folder, 'umoci.tar')]);
  const layers = await layersOf('peer/umoci:v2');
  assert.deepEqual(layers.slice(0, 2), await layersOf(tags[0]!));
  assert.equal(layers.length, 3);
});

async function layersOf(name: string): Promise<string[]> {
  return JSON.parse(await wherry.ok(['image', 'inspect', '-f', '{{json .RootFS.Layers}}', name]));
}
