/** Images by their names, and what the engine says of itself. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { withEachClient } from '#test/support/each-client.ts';
import { busyboxArchive } from '#test/support/images.ts';
import { words } from '#test/support/words.ts';

withEachClient(
  (cli) => {
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
      assert.match(await cli.ok`info -f ${'{{.Driver}} {{.ServerVersion}}'}`, /^erofs \d/);
      assert.match(await cli.ok`version -f ${'{{.Server.APIVersion}}'}`, /^1\.51$/);
    });
  },
  { busybox: false },
);
