import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { assertWhole, openTestGraph } from '#test/support/graph.ts';
import { busyboxArchive } from '#test/support/images.ts';

const run = promisify(execFile);

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-peers-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const hasSkopeo = await run('skopeo', ['--version']).then(
  () => true,
  () => false,
);

/** What skopeo is told -> the path of the archive that it makes. */
const forms: [string, string, (folder: string) => string[]][] = [
  ['docker-archive', 'copy:app', (folder) => [`docker-archive:${folder}/out.tar:copy:app`]],
  ['oci-archive', 'copy:app', (folder) => [`oci-archive:${folder}/out.tar:copy:app`]],
  [
    'oci-archive, zstd',
    'copy:app',
    (folder) => ['--dest-compress-format=zstd', `oci-archive:${folder}/out.tar:copy:app`],
  ],
];

for (const [name, reference, destination] of forms) {
  test(`an archive that skopeo writes as ${name} is the same image`, {
    skip: !hasSkopeo && 'skopeo is not installed',
  }, async (t) => {
    const folder = await scratch(t);
    const source = await busyboxArchive();
    await run('skopeo', ['--insecure-policy', 'copy', `docker-archive:${source}`, ...destination(folder)]);
    const graph = await openTestGraph(t);
    await graph.load(source);
    await graph.load(join(folder, 'out.tar'));
    const [copy, original] = [graph.graph.get(reference), graph.graph.get('busybox')];
    assert.deepEqual(copy.diffIds, original.diffIds);
    assert.deepEqual(copy.config, original.config);
    assert.equal((await graph.db.read('SELECT * FROM layers')).length, 1);
    await assertWhole(graph);
  });
}
