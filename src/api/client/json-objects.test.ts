import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { jsonObjects, jsonTexts } from './json-objects.ts';

async function* cut(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

test('objects come out one by one, however they are separated and cut', async () => {
  const objects = fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), { maxLength: 6 });
  const separators = fc.constantFrom('', '\n', '\r\n', '  ');
  await fc.assert(
    fc.asyncProperty(objects, separators, fc.integer({ min: 1, max: 9 }), async (list, separator, size) => {
      const text = list.map((item) => JSON.stringify(item) + separator).join('');
      const out = await Array.fromAsync(jsonObjects(cut(text, size)));
      assert.deepEqual(out, JSON.parse(JSON.stringify(list)));
    }),
    { numRuns: 200 },
  );
});

test('an object is given as soon as it is whole', async () => {
  async function* slow(): AsyncGenerator<Buffer> {
    yield Buffer.from('{"a":"}"}{"b":');
    await new Promise(() => undefined);
  }
  const texts = jsonTexts(slow());
  assert.equal((await texts.next()).value, '{"a":"}"}');
});

test('an end inside an object is an error', async () => {
  await assert.rejects(Array.fromAsync(jsonTexts(cut('{"a":1}{"b":', 4))), /middle of a JSON value/);
});

test('a value without end is not kept without limit', async () => {
  await assert.rejects(Array.fromAsync(jsonTexts(cut(`{"a":"${'x'.repeat(1000)}`, 100), 500)), /more than 500 bytes/);
});
