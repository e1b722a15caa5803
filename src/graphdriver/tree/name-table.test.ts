import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashName, NameTable } from './name-table.ts';

type Step = ['add' | 'remove', number];
const steps = fc.array(fc.tuple(fc.constantFrom('add', 'remove', 'add'), fc.integer({ min: 1, max: 3000 })), {
  size: 'max',
  maxLength: 6000,
});

for (const [what, hashOf] of [
  ['good hashes', (number: number) => hashName(1, `name-${number}`)],
  ['hashes that many share', (number: number) => number % 7],
  ['hashes that are close to one another', (number: number) => 0xffffffff - (number % 100)],
] as const) {
  test(`it holds what a set of numbers holds, with ${what}`, () => {
    fc.assert(
      fc.property(steps as fc.Arbitrary<Step[]>, (list) => {
        const table = new NameTable();
        const model = new Set<number>();
        for (const [step, number] of list) {
          if (step === 'remove') table.remove(hashOf(number), number);
          else if (!model.has(number)) table.add(hashOf(number), number);
          if (step === 'remove') model.delete(number);
          else model.add(number);
        }
        for (let number = 1; number <= 3000; number++) {
          const found = table.find(hashOf(number), (candidate) => candidate === number);
          assert.equal(found, model.has(number) ? number : undefined);
        }
      }),
      { numRuns: 20 },
    );
  });
}

test('a table that names come to and leave does not grow', () => {
  const table = new NameTable();
  for (let number = 1; number <= 200_000; number++) {
    table.add(hashName(1, String(number)), number);
    table.remove(hashName(1, String(number)), number);
  }
  assert.ok(table.byteLength <= 64 << 10, `${table.byteLength} bytes`);
});

test('more numbers than fit in memory are all there, and only those', () => {
  const table = new NameTable(tmpdir());
  const hashOf = (number: number) => hashName(7, `name-${number}`);
  for (let number = 1; number <= 200_000; number++) table.add(hashOf(number), number);
  for (let number = 1; number <= 200_000; number += 3) table.remove(hashOf(number), number);
  for (let number = 200_001; number <= 300_000; number++) table.add(hashOf(number), number);
  for (let number = 1; number <= 300_000; number++) {
    const found = table.find(hashOf(number), (candidate) => candidate === number);
    assert.equal(found, number <= 200_000 && number % 3 === 1 ? undefined : number);
  }
  assert.ok(table.byteLength <= 2 << 20, `${table.byteLength} bytes`);
  table.clear();
});

test('it forgets all when it is cleared', () => {
  const table = new NameTable();
  for (let number = 1; number < 5000; number++) table.add(number, number);
  table.clear();
  assert.equal(
    table.find(77, () => true),
    undefined,
  );
  table.add(77, 77);
  assert.equal(
    table.find(77, () => true),
    77,
  );
});

test('hashes of names tell directories and letters apart', () => {
  const hashes = new Set<number>();
  for (let directory = 1; directory <= 100; directory++) {
    for (let number = 0; number < 1000; number++) hashes.add(hashName(directory, `file-${number}`));
  }
  // By chance, one or two of 100,000 share one with another.
  assert.ok(hashes.size > 99_980, `${hashes.size}`);
});
