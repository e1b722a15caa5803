import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { digestOf } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openTestGraph } from '#test/support/graph.ts';
import { makeTar } from '#test/support/tar.ts';
import type { ImportRequest } from './import.ts';

const tar = makeTar([
  { name: 'etc/', type: 'dir' },
  { name: 'etc/file', body: Buffer.alloc(3 << 20, 'text ') },
]);

const plain: ImportRequest = { repo: '', tag: '', message: 'Imported', changes: [] };

/** In pieces of odd sizes, as a socket gives them. */
async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
}

for (const program of [undefined, 'gzip', 'bzip2', 'xz', 'zstd']) {
  test(`a tar is imported: ${program ?? 'plain'}`, async (t) => {
    const opened = await openTestGraph(t);
    const source = program ? execFileSync(program, ['-c'], { input: tar, maxBuffer: 1 << 26 }) : tar;
    const image = await opened.graph.import(pieces(source), plain);
    assert.deepEqual(image.diffIds, [digestOf(tar)]);
    await assertWhole(opened);
  });
}

test('an import has the configuration, name, comment and platform that it asks for', async (t) => {
  const events: string[] = [];
  const opened = await openTestGraph(t, { onEvent: ({ action, name }) => events.push(`${action} ${name}`) });
  const changes = ['CMD ["sh"]', 'ENV A=1\nENV B=$A', 'EXPOSE 80'];
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const request = { repo: 'some/where:old', tag: 'new', message: 'by hand', changes, platform };
  const { id } = await opened.graph.import(pieces(tar), request);
  assert.deepEqual(events, ['tag some/where:new', `import ${id}`]);
  const { Config, Comment, Architecture, Variant, RepoTags } = opened.graph.inspect('some/where:new');
  assert.deepEqual([Comment, Architecture, Variant, RepoTags], ['by hand', 'arm64', 'v8', ['some/where:new']]);
  assert.deepEqual([Config?.Cmd, Config?.Env, Config?.ExposedPorts], [['sh'], ['A=1', 'B=1'], { '80/tcp': {} }]);
  const history = await opened.graph.history(id);
  assert.deepEqual(
    history.map(({ Comment, Size }) => [Comment, Size]),
    [['by hand', 3 << 20]],
  );
});

test('what cannot be imported leaves nothing', async (t) => {
  const opened = await openTestGraph(t);
  const refused = async (source: AsyncIterable<Uint8Array>, request: Partial<ImportRequest>, message: RegExp) => {
    await assert.rejects(opened.graph.import(source, { ...plain, ...request }), (error: Error) => {
      return isEngineError(error, 'invalid') && message.test(error.message);
    });
  };
  const nobodyReads = Readable.from([]);
  await refused(nobodyReads, { repo: 'BAD' }, /must be lowercase/);
  await refused(nobodyReads, { changes: ['RUN x'] }, /RUN is not a valid change command/);
  await refused(
    nobodyReads,
    { platform: { os: 'windows', architecture: 'amd64' } },
    /operating system is not supported/,
  );
  await refused(pieces(Buffer.from('no tar at all')), {}, /not a tar archive/);
  await refused(pieces(tar.subarray(0, tar.length - 5000)), {}, /.+/);
  const gzip = execFileSync('gzip', ['-c'], { input: tar });
  await refused(pieces(gzip.subarray(0, -100)), {}, /gzip data is damaged or cut short/);
  const client = new AbortController();
  async function* slow() {
    yield tar.subarray(0, 1000);
    client.abort();
    yield tar.subarray(1000);
  }
  await assert.rejects(opened.graph.import(slow(), plain, client.signal), (error) => isEngineError(error, 'cancelled'));
  await assertNothingStored(opened);
});
