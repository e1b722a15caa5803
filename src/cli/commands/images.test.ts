/** load, images, rmi. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { replyJson } from '../testing/fake-daemon.ts';
import { fails, type Routes, withDaemon } from '../testing/scripted-daemon.ts';

test('load sends the archive as it is and shows what was loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-load-'));
  const archive = Buffer.alloc(3_000_000, 'tar').toString();
  await writeFile(join(folder, 'a.tar'), archive);
  const routes: Routes = {
    'POST /images/load': (response) =>
      response.end('{"stream":"Loaded image: a:1\\n"}\n{"stream":"Loaded image: b:1\\n"}\n'),
  };
  await withDaemon(routes, async (run, daemon) => {
    const fromFile = await run(`load -i ${folder}/a.tar`);
    const fromStdin = await run('image load', archive);
    for (const { exitCode, stdout } of [fromFile, fromStdin]) {
      assert.deepEqual([exitCode, stdout], [0, 'Loaded image: a:1\nLoaded image: b:1\n']);
    }
    for (const { body, query, headers } of daemon.requests) {
      assert.equal(body, archive);
      assert.equal(query.quiet, '1', 'no progress where nobody watches');
      assert.equal(headers['content-type'], 'application/x-tar');
    }
  });
  await rm(folder, { recursive: true });
});

test('an error inside a stream is the outcome', async () => {
  const answer = (response: ServerResponse) =>
    response.end('{"stream":"one\\n"}\n{"errorDetail":{"message":"bad archive"},"error":"bad archive"}\n');
  await withDaemon({ 'POST /images/load': answer }, async (run) => {
    const { exitCode, stdout, stderr } = await run('load', 'x');
    assert.deepEqual([exitCode, stdout, stderr], [1, 'one\n', 'bad archive\n']);
  });
});

test('images --tree shows the platforms of what each image came with', async () => {
  const platform = (architecture: string, here: boolean) => ({
    ID: `sha256:${architecture}${'0'.repeat(20)}`,
    Available: here,
    Size: { Content: here ? 2_000_000 : 0, Total: here ? 2_500_000 : 0 },
    Kind: 'image',
    ImageData: { Platform: { os: 'linux', architecture }, Containers: here ? ['c'] : [], Size: { Unpacked: 0 } },
  });
  const Manifests = [platform('amd64', true), platform('arm64', false), { Kind: 'attestation', Available: false }];
  const images = [
    { Id: `sha256:${'a'.repeat(64)}`, RepoTags: ['app:1', 'app:2'], Size: 3_000_000, Manifests },
    { Id: `sha256:${'b'.repeat(64)}`, RepoTags: [], Size: 1500 },
  ];
  await withDaemon({ 'GET /images/json': (response) => replyJson(response, 200, images) }, async (run, daemon) => {
    const { stdout } = await run('images --tree');
    assert.deepEqual(
      stdout.split('\n').map((line) => line.trimEnd().split(/ {2,}/)),
      [
        ['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'IN USE'],
        ['app:1', 'aaaaaaaaaaaa', '2.5MB', '2MB', 'yes'],
        ['app:2'],
        ['├─ linux/amd64', 'amd640000000', '2.5MB', '2MB', 'yes'],
        ['└─ linux/arm64', 'arm640000000', '0B', '0B'],
        ['<untagged>', 'bbbbbbbbbbbb', '1.5kB', '1.5kB'],
        [''],
      ],
    );
    assert.equal(daemon.requests[0]!.query.manifests, '1');
    assert.match((await run('images --tree -q')).stderr, /--quiet is not yet supported with --tree/);
  });
});

test('rmi shows what it removed; a name that is not there fails, but not with -f', async () => {
  const routes: Routes = {
    'DELETE /images/a': (response) => replyJson(response, 200, [{ Untagged: 'a:latest' }, { Deleted: 'sha256:1' }]),
    'DELETE /images/b': fails(404, 'No such image: b:latest'),
  };
  await withDaemon(routes, async (run) => {
    const removed = await run('rmi a b');
    assert.deepEqual([removed.exitCode, removed.stdout], [1, 'Untagged: a:latest\nDeleted: sha256:1\n']);
    assert.equal((await run('rmi -f b')).exitCode, 0);
  });
});
