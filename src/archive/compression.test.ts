import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { isEngineError } from '#errors/errors.ts';
import { type Compression, decompress, detectCompression } from './compression.ts';

const text = Buffer.concat([randomBytes(200_000), Buffer.alloc(300_000, 'wherry '), randomBytes(50_000)]);
const through = (program: string, args: string[]) => execFileSync(program, args, { input: text, maxBuffer: 1 << 24 });
const forms: [Compression, Buffer][] = [
  ['none', text],
  ['gzip', gzipSync(text)],
  ['bzip2', through('bzip2', ['-c'])],
  ['xz', through('xz', ['-c', '-0'])],
  ['zstd', zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
];

async function* inPieces(bytes: Buffer, size = 7001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

for (const [compression, bytes] of forms) {
  test(`${compression} is told by its first bytes and gives the content back`, async () => {
    assert.equal(detectCompression(bytes.subarray(0, 10)), compression);
    assert.ok((await collect(decompress(inPieces(bytes), compression))).equals(text));
  });

  if (compression === 'none') continue;

  test(`several ${compression} streams in a row are one content`, async () => {
    const twice = Buffer.concat([bytes, bytes]);
    assert.ok((await collect(decompress(inPieces(twice), compression))).equals(Buffer.concat([text, text])));
  });

  test(`${compression} that is cut short or damaged is refused`, async () => {
    const broken = Buffer.from(bytes);
    broken.fill(0x55, 60_000, 70_000);
    for (const bad of [bytes.subarray(0, bytes.length - 100_000), broken]) {
      await assert.rejects(collect(decompress(inPieces(bad), compression)), (error) => {
        assert.ok(isEngineError(error, 'invalid'), String(error));
        assert.match(error.message, new RegExp(`the ${compression} data is damaged or cut short`));
        return true;
      });
    }
  });

  test(`a source that fails while ${compression} is read fails with its own error`, async () => {
    async function* failing() {
      yield bytes.subarray(0, 1000);
      throw new Error('the network went away');
    }
    await assert.rejects(collect(decompress(failing(), compression)), /the network went away/);
  });

  test(`a reader of ${compression} may stop early`, async () => {
    for await (const chunk of decompress(inPieces(bytes), compression)) {
      assert.ok(chunk.length > 0);
      break;
    }
  });
}

test('what begins like nothing known is not compressed', () => {
  for (const head of [Buffer.alloc(0), Buffer.from('B'), Buffer.from([0x1f, 0x8b]), Buffer.alloc(512)]) {
    assert.equal(detectCompression(head), 'none');
  }
});

test('an abort ends the decompressor', async () => {
  const abort = new AbortController();
  async function* endless() {
    yield gzipSync(text).subarray(0, 1000);
    abort.abort();
    await new Promise((_, reject) => abort.signal.addEventListener('abort', reject));
  }
  const reading = collect(decompress(endless(), 'gzip', { signal: abort.signal }));
  await assert.rejects(reading, (error) => isEngineError(error, 'cancelled'));
});
