/** All that dockerode and docker-py can ask of containers, volumes and networks, each call with its effect. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { readTar } from '#archive/tar-stream.ts';
import { startDaemon, type TestDaemon } from '#test/support/daemon.ts';
import { makeTar } from '#test/support/tar.ts';

const SCRIPT = join(import.meta.dirname, '../support/docker-py-whole.py');

let daemon: TestDaemon;
before(async () => {
  daemon = await startDaemon();
});
after(() => daemon.close());

describe('dockerode', () => {
  let docker: Docker;
  let container: Docker.Container;
  before(async () => {
    docker = new Docker({ socketPath: daemon.socket });
    container = await docker.createContainer({ Image: 'busybox', name: 'whole', Cmd: ['sleep', '1000'] });
    await container.start();
  });
  after(() => container.remove({ force: true, v: true }));

  async function filesOf(source: NodeJS.ReadableStream): Promise<Map<string, string>> {
    const files = new Map<string, string>();
    for await (const { entry, body } of readTar(source as unknown as AsyncIterable<Buffer>)) {
      files.set(entry.name, await text(Readable.from(body)));
    }
    return files;
  }

  test('top, stats once and as a stream, changes, export', async () => {
    assert.deepEqual(
      (await container.top({ ps_args: '-o pid,args' })).Processes.map(([, args]: string[]) => args),
      ['sleep 1000'],
    );
    const stats = await container.stats({ stream: false });
    assert.ok(stats.memory_stats.usage > 0 && stats.pids_stats?.current === 1);
    const stream = await container.stats({ stream: true });
    const [first] = await once(stream, 'data');
    (stream as unknown as { destroy(): void }).destroy();
    assert.equal(JSON.parse(String(first)).name, '/whole');
    const exec = await container.exec({ Cmd: ['sh', '-c', 'echo made > /made'], AttachStdout: true });
    await text(await exec.start({}));
    const changes = (await container.changes()) as { Path: string; Kind: number }[];
    assert.deepEqual(
      changes.filter(({ Path }) => Path === '/made'),
      [{ Path: '/made', Kind: 1 }],
    );
    assert.equal((await filesOf(await container.export())).get('made'), 'made\n');
  });

  test('putArchive, getArchive, infoArchive', async () => {
    await container.putArchive(makeTar([{ name: 'put/deep', body: 'put\n' }]), { path: '/tmp' });
    assert.equal((await filesOf(await container.getArchive({ path: '/tmp/put' }))).get('put/deep'), 'put\n');
    await container.infoArchive({ path: '/tmp/put/deep' });
    await assert.rejects(container.infoArchive({ path: '/none' }), { statusCode: 404 });
    await assert.rejects(container.getArchive({ path: '/none' }), { statusCode: 404 });
  });

  test('pause, unpause, rename, update, restart, kill, wait, stop, start', async () => {
    await container.pause();
    assert.equal((await container.inspect()).State.Status, 'paused');
    await container.unpause();
    await container.rename({ name: 'renamed' });
    assert.equal((await container.inspect()).Name, '/renamed');
    await container.update({ Memory: 64 << 20, MemorySwap: 64 << 20 });
    assert.equal((await container.inspect()).HostConfig.Memory, 64 << 20);
    await container.restart({ t: 0 });
    const exit = container.wait({ condition: 'next-exit' });
    await container.kill({ signal: 'SIGKILL' });
    assert.deepEqual(await exit, { StatusCode: 137 });
    await container.start();
    await container.stop({ t: 0 });
    await assert.rejects(container.stop(), { statusCode: 304 });
    await container.start();
  });

  test('commit and docker.run, prune', async () => {
    const { Id } = (await container.commit({ repo: 'committed', changes: 'CMD ["cat", "/made"]' })) as { Id: string };
    const stdout = new PassThrough();
    const [result, made] = (await docker.run('committed', [], [stdout, new PassThrough()], { Tty: false })) as [
      { StatusCode: number },
      Docker.Container,
    ];
    stdout.end();
    assert.deepEqual([result.StatusCode, String(await buffer(stdout))], [0, 'made\n']);
    assert.equal((await made.inspect()).Image, Id);
    const pruned = await docker.pruneContainers({ filters: { until: ['0s'] } });
    assert.deepEqual(pruned.ContainersDeleted, [made.id]);
    await docker.getImage('committed').remove();
  });

  test('volumes and networks', async () => {
    const volume = await docker.createVolume({ Name: 'vol', Labels: { a: 'b' } });
    assert.equal((await docker.getVolume('vol').inspect()).Labels.a, 'b');
    assert.equal((await docker.listVolumes({ filters: { label: ['a=b'] } })).Volumes.length, 1);
    await docker.getVolume(volume.name).remove();
    const network = await docker.createNetwork({ Name: 'net' });
    await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['me'] } });
    assert.deepEqual(Object.keys((await network.inspect()).Containers ?? {}), [container.id]);
    await network.disconnect({ Container: container.id });
    await network.remove();
    assert.equal((await docker.listNetworks({ filters: { name: ['net'] } })).length, 0);
  });
});

test('docker-py: every method of a container, of volumes and networks', async () => {
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [SCRIPT, daemon.host]);
  assert.equal(stdout, 'done\n');
});
