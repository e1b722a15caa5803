/** What was pushed, with gzip and with zstd, is taken up by docker, podman, skopeo and ourselves. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { run } from '#test/support/daemon.ts';
import { type Dockerd, startDockerd } from '#test/support/dockerd.ts';
import { makeArchive } from '#test/support/images.ts';
import { digestOf, putImage, putIndex } from '#test/support/registry-images.ts';
import { RegistryScene } from '#test/support/registry-scene.ts';
import { makeTar } from '#test/support/tar.ts';

const MANIFESTS = 'application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json';
const LAYERS = {
  gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};
const TYPES = {
  gzip: ['application/vnd.docker.distribution.manifest.v2+json', 'application/vnd.docker.container.image.v1+json'],
  zstd: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.oci.image.config.v1+json'],
};
const unpack = { gzip: gunzipSync, zstd: zstdDecompressSync };
const layer = (name: string, size = 0) => makeTar([{ name, body: name.padEnd(size, 'x') }]);

for (const compression of ['gzip', 'zstd'] as const) {
  describe(`pushed with ${compression}`, () => {
    let dockerd: Dockerd;
    after(() => dockerd?.close());
    const scene = new RegistryScene({ flags: ['--push-compression', compression] });
    const { name, ok } = scene;
    const inside = async (...command: string[]) => {
      const { code, stdout, stderr } = await run(
        'nsenter',
        [`--net=${scene.daemon.netns.path}`, ...command],
        '',
        process.env,
      );
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    let tars: Buffer[];
    let id: string;

    before(async () => {
      dockerd = await startDockerd({ netns: scene.daemon.netns.path });
      tars = [scene.busybox, layer('first', 300_000), layer('second')];
      const archive = join(scene.daemon.folder, 'image.tar');
      await makeArchive(archive, [{ layers: tars, tags: [name('app:1')], config: { Cmd: ['cat', '/second'] } }]);
      await ok('load', '-q', '-i', archive);
      id = await ok('inspect', '-f', '{{.Id}}', name('app:1'));
      await ok('push', name('app:1'));
    });

    test('the manifest says what the blobs are', async () => {
      const { body } = await scene.registry.ask('GET', '/v2/app/manifests/1', { headers: { Accept: MANIFESTS } });
      const manifest = JSON.parse(String(body));
      assert.deepEqual([manifest.mediaType, manifest.config.mediaType], TYPES[compression]);
      assert.deepEqual([manifest.config.digest, manifest.layers.length], [id, tars.length]);
      for (const [at, { digest, mediaType, size }] of manifest.layers.entries()) {
        const blob = (await scene.registry.ask('GET', `/v2/app/blobs/${digest}`)).body;
        assert.deepEqual([mediaType, size, digest], [LAYERS[compression], blob.length, digestOf(blob)]);
        assert.equal(digestOf(unpack[compression](blob)), digestOf(tars[at]!));
      }
    });

    test('dockerd pulls and runs it', async () => {
      await dockerd.ok('pull', '-q', name('app:1'));
      assert.equal(await dockerd.ok('inspect', '-f', '{{.Id}}', name('app:1')), id);
      assert.equal(await dockerd.ok('run', '--rm', '--network', 'none', name('app:1')), 'second');
    });

    test('skopeo and podman take it', async () => {
      const copy = join(scene.daemon.folder, 'copy');
      await inside('skopeo', 'copy', '-q', '--src-tls-verify=false', `docker://${name('app:1')}`, `dir:${copy}`);
      const { config } = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8'));
      assert.equal(config.digest, id);
      const folders = ['root', 'runroot', 'tmpdir'].flatMap((word) => [
        `--${word}`,
        join(scene.daemon.folder, `podman-${word}`),
      ]);
      await inside('podman', ...folders, 'pull', '-q', '--tls-verify=false', name('app:1'));
      assert.equal(`sha256:${await inside('podman', ...folders, 'inspect', '-f', '{{.Id}}', name('app:1'))}`, id);
      await inside('podman', ...folders, 'system', 'reset', '-f');
    });

    test('so do we', async () => {
      await ok('rmi', name('app:1'));
      await ok('pull', '-q', name('app:1'));
      assert.equal(await ok('inspect', '-f', '{{.Id}}', name('app:1')), id);
      assert.equal(await ok('run', '--rm', name('app:1')), 'second');
    });

    test('of an index that was pushed again, dockerd takes the image that it wants', async () => {
      // Their lowest layer is here already, so that nobody has seen the blob that they have of it.
      const images = [];
      for (const architecture of ['amd64', 'arm64']) {
        const image = { layers: [scene.busybox, layer(architecture)], extra: { architecture } };
        const stored = await putImage(scene.registry, 'source', image);
        images.push({ ...stored, platform: { os: 'linux', architecture } });
      }
      const index = await putIndex(scene.registry, 'source', images, 'all');
      for (const { platform } of images) {
        await ok('pull', '-q', '--platform', `linux/${platform.architecture}`, name('source:all'));
      }
      await ok('tag', name('source:all'), name('several:all'));
      assert.match(await ok('push', name('several:all')), new RegExp(`all: digest: ${index.digest} `));
      for (const image of images) {
        const platform = `linux/${image.platform.architecture}`;
        const pulled = await dockerd.ok('pull', '--platform', platform, name('several:all'));
        assert.match(pulled, new RegExp(`^Digest: ${index.digest}$`, 'm'));
        assert.equal(await dockerd.ok('inspect', '-f', '{{.Id}}', name('several:all')), image.id);
      }
    });
  });
}
