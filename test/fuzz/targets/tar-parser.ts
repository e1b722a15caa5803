import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { TarEntry } from '#archive/tar-entry.ts';
import { walkTarFile } from '#archive/tar-file.ts';
import { TarParser } from '#archive/tar-parser.ts';
import { isEngineError } from '#errors/errors.ts';
import { anyLayer, damagedLayer } from '#test/support/any-layer.ts';
import { fuzzTarget, oneFile } from '../target.ts';

interface Reading {
  entries: TarEntry[];
  refusal?: string;
}

/** How the bytes are cut; two readers of the same bytes must not see a difference. */
const CUTS = [1 << 20, 512, 511, 700, 1];

/** Tars and noise: the same entries and the same refusal, however they are cut, pushed or read from a file. */
export const tarParser = fuzzTarget<Buffer>({
  name: 'tar-parser',
  quick: 1000,
  async open() {
    const path = join(tmpdir(), `wherry-fuzz-${process.pid}.tar`);
    const noise = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes));
    return {
      input: fc.oneof({ weight: 4, arbitrary: anyLayer }, { weight: 8, arbitrary: damagedLayer }, noise),
      check(tar) {
        writeFileSync(path, tar);
        const expected = walked(path, tar.length);
        for (const cut of CUTS) assert.deepEqual(pushed(tar, cut), expected, `in pieces of ${cut} bytes`);
        let end = 0;
        for (const entry of expected.entries) {
          assert.ok(entry.headerOffset >= end && entry.dataOffset > entry.headerOffset, 'entries follow each other');
          const pieces = entry.segments?.reduce((sum, { length }) => sum + length, 0) ?? entry.dataSize;
          assert.equal(pieces, entry.dataSize);
          end = entry.dataOffset + entry.dataSize;
        }
      },
      files: oneFile,
      close: async () => rmSync(path, { force: true }),
    };
  },
});

function walked(path: string, size: number): Reading {
  const file = openSync(path, 'r');
  try {
    return reading((entry) => walkTarFile(file, size, entry));
  } finally {
    closeSync(file);
  }
}

function pushed(tar: Buffer, cut: number): Reading {
  return reading((entry) => {
    const parser = new TarParser({ entry });
    for (let at = 0; at < tar.length; at += cut) parser.push(tar.subarray(at, at + cut));
    parser.end();
  });
}

function reading(read: (entry: (entry: TarEntry) => void) => void): Reading {
  const entries: TarEntry[] = [];
  try {
    read((entry) => entries.push(entry));
    return { entries };
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
    assert.match(error.message, /at offset \d+/);
    return { entries, refusal: error.message };
  }
}
