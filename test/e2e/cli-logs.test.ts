/** What log drivers and their options make of a container's output, read back by both command lines. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withEachClient } from '#test/support/each-client.ts';

const DEFAULTS = ['--log-opt', 'env=MODE', '--log-opt', 'tag={{.Name}}'];

withEachClient(
  (cli) => {
    test('labels, variables and a tag stand beside each line', async () => {
      const options = [
        'labels=com.a',
        'labels-regex=^net\\.',
        'env=MODE',
        'env-regex=^X',
        'tag={{.Name}}/{{.ImageName}}',
      ];
      const flags = options.flatMap((option) => ['--log-opt', option]);
      const labels = ['-l', 'com.a=one two', '-l', 'com.b=2', '-l', 'net.x=a,b'];
      const env = ['-e', 'MODE=fast', '-e', 'XY=1', '-e', 'OTHER=2'];
      await cli.ok`run --name beside ${flags} ${labels} ${env} busybox sh -c ${'echo out; echo err >&2'}`;
      const beside = 'MODE=fast,XY=1,com.a=one+two,net.x=a%2Cb,tag=beside%2Fbusybox';
      const { stdout, stderr } = await cli.run(['logs', '--details', 'beside']);
      assert.equal(stdout, `${beside} out\n`);
      assert.equal(stderr, `${beside} err\n`);
      assert.match((await cli.run(['logs', '-t', '--details', 'beside'])).stdout, /^\S+Z MODE=fast,\S+ out\n$/);
      assert.equal((await cli.run(['logs', 'beside'])).stdout, 'out\n');
      await cli.ok`rm beside`;
    });

    test('the engine’s own options hold for its own driver, and give way to the container’s', async () => {
      await cli.ok`run --name own -e MODE=x busybox echo out`;
      assert.equal((await cli.run(['logs', '--details', 'own'])).stdout, 'MODE=x,tag=own out\n');
      await cli.ok`run --name given -e MODE=x --log-opt tag=mine busybox echo out`;
      assert.equal((await cli.run(['logs', '--details', 'given'])).stdout, 'MODE=x,tag=mine out\n');
      await cli.ok`run --name local -e MODE=x --log-driver local busybox echo out`;
      assert.equal((await cli.run(['logs', '--details', 'local'])).stdout, ' out\n');
      await cli.ok`rm own given local`;
    });

    for (const flags of [
      ['--log-driver', 'local', '--log-opt', 'max-size=100k'],
      ['--log-opt', 'max-size=100k', '--log-opt', 'max-file=5', '--log-opt', 'compress=true'],
    ]) {
      test(`rotated files are compressed and read: ${flags.slice(0, 2).join(' ')}`, async () => {
        const id = await cli.ok`create ${flags} busybox seq 1 4000`;
        await cli.ok`start -a ${id}`;
        const files = await readdir(join(cli.daemon.dataRoot, 'containers', id));
        assert.ok(files.filter((name) => name.endsWith('.gz')).length >= 2, files.join(' '));
        const lines = (await cli.run(['logs', id])).stdout.trim().split('\n').map(Number);
        assert.equal(lines.at(-1), 4000);
        assert.deepEqual(
          lines,
          Array.from({ length: lines.length }, (_, index) => 4001 - lines.length + index),
        );
        assert.ok(lines.length > 1500, String(lines.length));
        assert.equal((await cli.run(['logs', '-n', '1500', id])).stdout.split('\n').length, 1501);
        await cli.ok`rm ${id}`;
      });
    }

    test('a driver that keeps nothing has nothing to show', async () => {
      await cli.ok`run --name quiet --log-driver none busybox echo out`;
      assert.match(await cli.fails`logs quiet`, /configured logging driver does not support reading/);
      await cli.ok`rm quiet`;
    });

    test('what an option cannot be is refused', async () => {
      const refused = (...flags: string[]) => cli.fails`create ${flags.flatMap((flag) => ['--log-opt', flag])} busybox`;
      assert.match(await refused('compress=true'), /compress cannot be true when max-file is less than 2 or max-size is not set/); // biome-ignore format: one line
      assert.match(await refused('compress=perhaps'), /invalid value for "compress"/);
      assert.match(await refused('labels-regex=('), /error parsing regexp/);
      assert.match(await refused('tag={{.Nobody}}'), /there is no field Nobody/);
      assert.match(await cli.fails`create --log-driver local --log-opt tag=x busybox`, /unknown log opt 'tag' for local log driver/); // biome-ignore format: one line
    });
  },
  { flags: DEFAULTS },
);
