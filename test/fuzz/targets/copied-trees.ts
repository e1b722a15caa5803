import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { treeRecords } from '#archive/tree-records.ts';
import { isEngineError } from '#errors/errors.ts';
import { anyLayer, damagedLayer } from '#test/support/any-layer.ts';
import { fuzzTarget, oneFile } from '../target.ts';

/** Bytes of records beyond which a case is passed over: a damaged map of a sparse file may ask for any number of zeros. */
const TOO_MUCH = 32 << 20;
const native = resolve(import.meta.dirname, '../../../native');

/** Tars that a container sends to `wherry cp`: whatever they say, only the folder that they go to changes. */
export const copiedTrees = fuzzTarget<Buffer>({
  name: 'copied-trees',
  quick: 150,
  async open() {
    const built = spawnSync('make', ['-s', '-C', native, 'build/asan/wherry-tree'], { encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    const room = mkdtempSync(join(tmpdir(), 'wherry-fuzz-copied-'));
    const target = join(room, 'target');
    writeFileSync(join(room, 'secret'), 'secret', { mode: 0o600 });
    const outside = () => {
      const { mode, nlink, mtimeMs, uid } = lstatSync(join(room, 'secret'));
      return [readdirSync(room), mode, nlink, mtimeMs, uid, readFileSync(join(room, 'secret'), 'utf8')];
    };
    return {
      input: fc.oneof({ weight: 1, arbitrary: anyLayer }, { weight: 3, arbitrary: damagedLayer }),
      async check(tar) {
        const records = await recordsOf(tar);
        if (!records) return;
        rmSync(target, { recursive: true, force: true });
        mkdirSync(target);
        const before = outside();
        const { status, stderr } = spawnSync(join(native, 'build/asan/wherry-tree'), ['unpack-here'], {
          input: Buffer.concat([lengthOf(target), Buffer.from(target), records]),
          env: { ASAN_OPTIONS: 'detect_leaks=0' },
          encoding: 'utf8',
        });
        assert.ok(status === 0 || status === 1, `${status}: ${stderr}`);
        assert.match(stderr, status === 0 ? /^$/ : /^(REFUSED|E[A-Z0-9]+) /);
        assert.deepEqual(outside(), before);
      },
      files: oneFile,
      close: async () => rmSync(room, { recursive: true, force: true }),
    };
  },
});

function lengthOf(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return length;
}

/** As far as the tar is one. */
async function recordsOf(tar: Buffer): Promise<Buffer | undefined> {
  const records: Buffer[] = [];
  let length = 0;
  const source = (async function* () {
    yield tar;
  })();
  try {
    for await (const record of treeRecords(source, { base: '/target' })) {
      if (!Buffer.isBuffer(record)) throw new Error('nobody has lent anything');
      records.push(Buffer.from(record));
      length += record.length;
      if (length > TOO_MUCH) return undefined;
    }
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
  }
  return Buffer.concat(records);
}
