/** Images by their names, and what the engine says of itself. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { defaultDriver } from '#test/support/driver.ts';
import { withEachClient } from '#test/support/each-client.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { makeTar } from '#test/support/tar.ts';
import { startWebServer } from '#test/support/web-server.ts';
import { words } from '#test/support/words.ts';

const shell = async (line: string) => (await promisify(execFile)('sh', ['-c', line])).stdout;

withEachClient(
  (cli, client) => {
    test('load from a file and from stdin', async () => {
      assert.equal(await cli.ok`load -i ${await busyboxArchive()}`, 'Loaded image: busybox:latest');
      const { stdout } = await cli.run(words`load`, { input: await readFile(await busyboxArchive()) });
      assert.equal(stdout, 'Loaded image: busybox:latest\n');
    });

    test('images, tag, history, inspect, rmi', async () => {
      assert.match(await cli.ok`images --format ${'{{.Repository}}:{{.Tag}}'}`, /busybox:latest/);
      await cli.ok`tag busybox other/name:v1`;
      const id = await cli.ok`inspect -f ${'{{.Id}}'} busybox`;
      assert.equal(await cli.ok`inspect -f ${'{{.Id}}'} other/name:v1`, id);
      assert.equal(await cli.ok`images -q --no-trunc other/name`, id);
      assert.match(await cli.ok`history --format ${'{{.Size}}'} busybox`, /MB/);
      assert.equal(await cli.ok`rmi other/name:v1`, 'Untagged: other/name:v1');
      assert.match(await cli.fails`rmi nothing`, /No such image: nothing/);
    });

    test('save to a file and to stdout, and load that again', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'wherry-save-'));
      const path = join(folder, 'images.tar');
      await cli.ok`tag busybox saved:v1`;
      assert.equal(await cli.ok`save -o ${path} saved:v1 busybox`, '');
      const archive = await readFile(path);
      assert.match(
        await shell(`tar -tf ${path}`),
        /blobs\/sha256\/[0-9a-f]{64}\n(.*\n)*index.json\nmanifest.json\noci-layout\nrepositories\n$/,
      );
      await cli.ok`rmi saved:v1`;
      assert.equal(await cli.ok`load -i ${path}`, 'Loaded image: saved:v1\nLoaded image: busybox:latest');
      assert.equal(await cli.ok`rmi saved:v1`, 'Untagged: saved:v1');
      const program = client === 'docker' ? 'docker' : join(import.meta.dirname, '../../bin/wherry');
      assert.match(
        await shell(`${program} -H ${cli.daemon.host} save busybox | tar -xO manifest.json`),
        /"busybox:latest"/,
      );
      assert.match(await cli.fails`save -o ${path} busybox missing:v1`, /No such image: missing:v1/);
      assert.match(await cli.fails`save -o ${folder} busybox`, /(is a directory|file exists)/);
      assert.match(
        await cli.fails`save -o ${folder}/none/x busybox`,
        /invalid output path: directory ".*none" does not exist/,
      );
      assert.ok(archive.equals(await readFile(path)));
      await rm(folder, { recursive: true });
    });

    test('import from a file, stdin and a URL', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'wherry-import-'));
      const path = join(folder, 'root.tar.gz');
      const root = gzipSync(makeTar([{ name: 'file', body: 'hello' }]));
      await writeFile(path, root);
      const server = await startWebServer(cli.daemon.netns.path, { '/root.tar.gz': root });
      try {
        const changes = ['-c', 'CMD ["/bin/sh"]', '-c', 'ENV A="b c"'];
        assert.match(await cli.ok`import -m ${'by hand'} ${changes} ${path} imported:v1`, /^sha256:[0-9a-f]{64}$/);
        const format = '{{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}}';
        assert.equal(await cli.ok`image inspect -f ${format} imported:v1`, 'by hand ["/bin/sh"] ["A=b c"]');
        const { code } = await cli.run(words`import - imported:v2`, { input: root });
        assert.equal(code, 0);
        assert.match(
          await cli.ok`import ${server.url}/root.tar.gz imported:v3`,
          /^Downloading from http:.*root.tar.gz\nsha256:[0-9a-f]{64}$/,
        );
        assert.equal(
          await cli.ok`history --format ${'{{.Comment}}'} imported:v3`,
          `Imported from ${server.url}/root.tar.gz`,
        );
        assert.equal(
          await cli.ok`inspect -f ${'{{.RootFS.Layers}}'} imported:v3`,
          await cli.ok`inspect -f ${'{{.RootFS.Layers}}'} imported:v1`,
        );
        assert.match(await cli.fails`import ${server.url}/none`, /failed to GET http:.*none with status 404/);
        assert.match(await cli.fails`import -c ${'RUN x'} ${path}`, /RUN is not a valid change command/);
        assert.match(await cli.fails`import ${folder}/none`, /no such file or directory/);
        assert.match(await cli.fails`import ${path} BAD`, /must be lowercase/);
        await cli.ok`rmi imported:v1 imported:v2 imported:v3`;
      } finally {
        await server.close();
        await rm(folder, { recursive: true });
      }
    });

    test('an image that a container uses stays; then it goes whole', async () => {
      await cli.ok`create --name user busybox sleep 1000`;
      assert.match(
        await cli.fails`rmi busybox`,
        /conflict: unable to remove repository reference "busybox" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/,
      );
      await cli.ok`start user`;
      await cli.ok`rm -f user`;
      assert.match(
        await cli.ok`rmi busybox`,
        /^Untagged: busybox:latest\nDeleted: sha256:[0-9a-f]{64}\nDeleted: sha256:[0-9a-f]{64}$/,
      );
      assert.equal(await cli.ok`images -q`, '');
    });

    test('info and version', async () => {
      assert.match(await cli.ok`info -f ${'{{.Driver}} {{.ServerVersion}}'}`, new RegExp(`^${defaultDriver} \\d`));
      assert.match(await cli.ok`version -f ${'{{.Server.APIVersion}}'}`, /^1\.51$/);
    });
  },
  { busybox: false },
);
