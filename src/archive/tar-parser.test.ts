import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import type { TarEntry } from './tar-entry.ts';
import { walkTarFile } from './tar-file.ts';
import { TarParser } from './tar-parser.ts';
import { encodeTarHeader, TAR_END, type TarInput, tarPadding } from './tar-writer.ts';

/** A tar of entries with bodies; `edit` changes a header block before its checksum is made again. */
function makeTar(entries: (TarInput & { body?: Buffer | string })[]): Buffer {
  const blocks = entries.flatMap(({ body = '', ...entry }) => {
    const bytes = Buffer.from(body);
    return [encodeTarHeader({ ...entry, size: bytes.length }), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...blocks, TAR_END]);
}

function patched(tar: Buffer, offset: number, edit: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(tar);
  const header = copy.subarray(offset, offset + 512);
  edit(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

function parse(tar: Buffer, pieces: number[] = [tar.length]): TarEntry[] {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ entry: (entry) => entries.push(entry) });
  let at = 0;
  for (let piece = 0; at < tar.length; piece++) {
    const length = pieces[piece % pieces.length]!;
    parser.push(tar.subarray(at, at + length));
    at += length;
  }
  parser.end();
  return entries;
}

const one = (tar: Buffer) => {
  const [entry, ...more] = parse(tar);
  assert.equal(more.length, 0);
  return entry!;
};

function refused(tar: Buffer, message: RegExp): void {
  assert.throws(
    () => parse(tar),
    (error: Error) => {
      assert.ok(isEngineError(error, 'invalid'), String(error));
      assert.match(error.message, message);
      return true;
    },
  );
}

const sample = makeTar([
  { type: 'directory', name: 'd/', mode: 0o1755 },
  { type: 'file', name: 'd/file', body: 'hello', mode: 0o4644, uid: 12, gid: 34, mtime: 1_600_000_000 },
  { type: 'symlink', name: 'd/link', linkName: 'file' },
  { type: 'file', name: `d/${'long'.repeat(60)}`, body: Buffer.alloc(1000, 'x'), mtime: 1, mtimeNs: 5 },
  { type: 'character', name: 'null', deviceMajor: 1, deviceMinor: 3 },
]);

describe('the tar parser', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wherry-tar-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const sh = (script: string) =>
    execFileSync('sh', ['-euc', script], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });

  for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'posix']) {
    test(`GNU tar's ${format} format gives each file with its content's place`, () => {
      sh(`rm -rf tree; mkdir -p tree/dir; printf content >tree/dir/file; ln tree/dir/file tree/hard; ln -s dir/file tree/sym
          mkfifo tree/fifo; head -c 5000 /dev/urandom >tree/random; touch -d '1999-12-31 23:59:59.5 UTC' tree/random
          chown 1000:1001 tree/random; chmod 4711 tree/random; tar -C tree --numeric-owner --sort=name --format=${format} -cf ${format}.tar ${format === 'v7' ? '--exclude fifo' : ''} .`); // biome-ignore format: a script
      const bytes = readFileSync(join(folder, `${format}.tar`));
      const entries = new Map(parse(bytes).map((entry) => [entry.name, entry]));
      const random = entries.get('./random')!;
      const content = bytes.subarray(random.dataOffset, random.dataOffset + random.dataSize);
      assert.ok(content.equals(readFileSync(join(folder, 'tree/random'))));
      assert.deepEqual(
        { type: random.type, mode: random.mode, uid: random.uid, gid: random.gid, mtime: random.mtime, ns: random.mtimeNs },
        { type: 'file', mode: 0o4711, uid: 1000, gid: 1001, mtime: 946684799, ns: format === 'posix' ? 500_000_000 : 0 },
      ); // biome-ignore format: side by side
      assert.equal(entries.get('./dir/')!.type, 'directory');
      assert.equal(entries.get('./sym')!.linkName, 'dir/file');
      assert.equal(entries.get('./hard')!.linkName, './dir/file');
      if (format !== 'v7') assert.equal(entries.get('./fifo')!.type, 'fifo');
    });
  }

  for (const [name, options] of [
    ['old GNU', '--format=gnu'],
    ['PAX 0.0', '--format=posix --sparse-version=0.0'],
    ['PAX 0.1', '--format=posix --sparse-version=0.1'],
    ['PAX 1.0', '--format=posix --sparse-version=1.0'],
  ]) {
    test(`sparse files in the ${name} form give back every byte`, () => {
      const path = join(folder, 'sparse');
      const file = openSync(path, 'w');
      for (let piece = 0; piece < 40; piece++) writeSync(file, Buffer.alloc(4096, piece + 1), 0, 4096, piece * 65536);
      ftruncateSync(file, 5_000_001);
      closeSync(file);
      sh(`tar --sparse ${options} -cf sparse.tar sparse`);
      const bytes = readFileSync(join(folder, 'sparse.tar'));
      const entry = one(bytes);
      assert.equal(entry.name, 'sparse');
      assert.equal(entry.size, 5_000_001);
      assert.ok(entry.dataSize < 200_000, 'holes are not stored');
      const content = Buffer.alloc(entry.size);
      let source = entry.dataOffset;
      for (const { offset, length } of entry.segments!) {
        bytes.copy(content, offset, source, source + length);
        source += length;
      }
      assert.ok(content.equals(readFileSync(path)));
    });
  }

  test('names of any bytes and any length come through: GNU long names and PAX paths', () => {
    const long = `${'d'.repeat(90)}/`.repeat(20) + 'f'.repeat(200);
    sh(`mkdir -p long; printf 'x' > long/"$(printf 'caf\\351 \\377')"`);
    for (const format of ['gnu', 'posix']) {
      sh(`tar -C long --format=${format} --transform='s,.*,${long},' -cf long.tar .`);
      assert.equal(parse(readFileSync(join(folder, 'long.tar')))[0]!.name.replace(/\/$/, ''), long);
      sh(`tar -C long --format=${format} -cf bytes.tar .`);
      assert.ok(parse(readFileSync(join(folder, 'bytes.tar'))).some((entry) => entry.name === './caf\xe9 \xff'));
    }
  });

  test('base-256 numbers: large sizes, ids and negative times', () => {
    const tar = makeTar([{ type: 'file', name: 'a', body: '' }]);
    const entry = one(
      patched(tar, 0, (header) => {
        header.write('8000000000000012', 108, 'hex');
        header.write('800000000000000100000000', 124, 'hex');
        header.fill(0xff, 136, 148);
        header[156] = '2'.charCodeAt(0);
      }),
    );
    assert.equal(entry.uid, 0x12);
    assert.equal(entry.mtime, -1);
    assert.equal(entry.size, 0, 'a symbolic link has no body, whatever its header says');
    refused(
      patched(tar, 0, (header) => header.fill(0xff, 124, 136)),
      /the size -1 is negative/,
    );
    refused(
      patched(tar, 0, (header) => header.fill(0x81, 124, 136)),
      /size: the number \d+ is too large/,
    );
  });

  test('PAX times: fractions, negative ones, more digits than nanoseconds', () => {
    const time = (mtime: number, mtimeNs: number) => {
      const entry = one(makeTar([{ type: 'file', name: 'a', mtime, mtimeNs }]));
      return [entry.mtime, entry.mtimeNs];
    };
    for (const pair of [[5, 1], [-1, 500_000_000], [-7, 0], [2 ** 40, 999_999_999]] as const) {
      assert.deepEqual(time(pair[0], pair[1]), [...pair]);
    } // biome-ignore format: a table
    const pax = makeTar([{ type: 'file', name: 'a', mtime: 1, mtimeNs: 123_456_789 }]);
    const text = pax.toString('latin1').replace('1.123456789', '1.1234567x9');
    refused(Buffer.from(text, 'latin1'), /mtime: "1.1234567x9" is not a time/);
  });

  test('a global header changes nothing, and the last of several extended headers counts', () => {
    const global = patched(encodeTarHeader({ type: 'file', name: 'g', size: 0 }), 0, (header) =>
      header.write('g', 156),
    );
    const body = Buffer.from('12 path=zzz\n');
    const sized = patched(global, 0, (header) => header.write('00000000014', 124));
    const tar = Buffer.concat([sized, body, tarPadding(body.length), makeTar([{ type: 'file', name: 'real' }])]);
    assert.equal(one(tar).name, 'real');
  });

  test('version 7: a name that ends with a slash is a directory, fields after the link name are not read', () => {
    const tar = patched(makeTar([{ type: 'file', name: 'd/' }]), 0, (header) => {
      header.fill(0, 257).fill(0xff, 300, 400);
      header[156] = 0;
    });
    const entry = one(tar);
    assert.equal(entry.type, 'directory');
    assert.equal(entry.userName, '');
  });

  test('what is missing at the end is no error when nothing of an entry is missing', () => {
    const whole = makeTar([{ type: 'file', name: 'a', body: 'abc' }]);
    for (const length of [whole.length, whole.length - 512, whole.length - 1024, 515]) {
      assert.equal(one(whole.subarray(0, length)).size, 3);
    }
    const header = encodeTarHeader({ type: 'file', name: 'a'.repeat(200) });
    assert.deepEqual(parse(header.subarray(0, 512 + 300)), [], 'the padding of an extended header');
    assert.deepEqual(parse(Buffer.alloc(0)), []);
    assert.deepEqual(parse(TAR_END), []);
    assert.equal(one(Buffer.concat([whole, Buffer.alloc(1000, 'garbage')])).name, 'a');
  });

  test('damage is refused with the entry and the offset', () => {
    const tar = makeTar([{ type: 'file', name: 'first' }, { type: 'file', name: 'second', body: 'abc' }]); // biome-ignore format: one line
    refused(
      tar.subarray(0, 1026),
      /tar entry "second" at offset 512: the archive ends, 1 bytes of its content are missing/,
    );
    refused(tar.subarray(0, 700), /at offset 512: the archive ends inside a header/);
    const broken = Buffer.from(tar);
    broken[600]! ^= 1;
    refused(broken, /tar header at offset 512: the header's checksum is wrong/);
    refused(Buffer.concat([tar.subarray(0, 512), Buffer.alloc(512), tar]), /at offset 1024: a block of zeros/);
    assert.equal(
      one(patched(makeTar([{ type: 'file', name: './/.' }]), 0, (header) => header.write('7', 156))).size,
      0,
    );
    refused(
      patched(tar, 0, (header) => header.write('7', 156)),
      /"first" at offset 0: unhandled tar header type "7"/,
    );
    refused(
      patched(tar, 0, (header) => header.write('12x4', 100)),
      /mode: "12x4.*" is not a number/,
    );
    const hungry = patched(tar, 0, (header) => {
      header.write('x', 156);
      header.write('00010000000', 124);
    });
    refused(hungry, /an extended header of 2097152 bytes; the limit is 1048576/);
  });

  test('a file is walked without reading its bodies, even far beyond 4 GiB', () => {
    const path = join(folder, 'huge.tar');
    const size = 20 * 2 ** 30;
    const file = openSync(path, 'w+');
    writeSync(file, encodeTarHeader({ type: 'file', name: 'huge', size }));
    const next = statSync(path).size + size;
    writeSync(file, encodeTarHeader({ type: 'file', name: 'after' }), 0, 512, next);
    const entries: TarEntry[] = [];
    walkTarFile(file, next + 512, (entry) => entries.push(entry));
    assert.deepEqual(entries.map(({ name, headerOffset }) => [name, headerOffset]), [['huge', next - size - 512], ['after', next]]); // biome-ignore format: one line
    assert.throws(() => walkTarFile(file, next - 1, () => undefined), /"huge" .* 1 bytes of its content are missing/);
    closeSync(file);
  });

  test('where chunks are cut makes no difference', () => {
    const expected = parse(sample);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 20 }), (pieces) => {
        assert.deepEqual(parse(sample, pieces), expected);
      }),
      { numRuns: 200 },
    );
    writeFileSync(join(folder, 'sample.tar'), sample);
    const file = openSync(join(folder, 'sample.tar'), 'r');
    const walked: TarEntry[] = [];
    walkTarFile(file, sample.length, (entry) => walked.push(entry));
    closeSync(file);
    assert.deepEqual(walked, expected);
  });

  test('mutated archives give entries or a clear refusal, never anything else', () => {
    const mutation = fc.record({ at: fc.nat(sample.length - 1), byte: fc.nat(255), fixSum: fc.boolean() });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 8 }), (mutations) => {
        let tar: Buffer = Buffer.from(sample);
        for (const { at, byte, fixSum } of mutations) {
          tar[at] = byte;
          const block = at - (at % 512);
          if (fixSum) tar = patched(tar, block, () => undefined);
        }
        try {
          for (const entry of parse(tar)) assert.ok(entry.size >= 0 && entry.dataOffset <= tar.length);
        } catch (error) {
          assert.ok(isEngineError(error, 'invalid'), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
