import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { ChunkedDecoder } from './chunked.ts';

/** Decodes `text` in pieces of `size` bytes; gives the data, and what came behind the end. */
function decode(text: string, size = text.length): { data: string; behind: string; ended: boolean } {
  const decoder = new ChunkedDecoder();
  let data = '';
  let behind = '';
  for (let start = 0; start < text.length; start += size) {
    const piece = Buffer.from(text.slice(start, start + size), 'latin1');
    const end = decoder.decode(piece, 0, (bytes) => {
      data += bytes.toString('latin1');
    });
    behind += piece.toString('latin1', end);
  }
  return { data, behind, ended: decoder.ended };
}

test('data comes out whatever the pieces; extensions and trailers do not', () => {
  const chunk = fc.record({
    data: fc.string({ minLength: 1, unit: 'binary-ascii' }),
    extension: fc.constantFrom('', ';a', ';a="b;\\"c";d=1'),
  });
  fc.assert(
    fc.property(fc.array(chunk), fc.integer({ min: 1, max: 40 }), (chunks, size) => {
      const text = chunks
        .map(({ data, extension }) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`)
        .join('');
      assert.deepEqual(decode(`${text}00\r\nX-Sum: 1\r\n\r\nGET`, size), {
        data: chunks.map(({ data }) => data).join(''),
        behind: 'GET',
        ended: true,
      });
    }),
  );
});

test('an end that has not come is not the end', () => {
  for (const text of ['', '3\r\nabc', '3\r\nabc\r\n', '0\r\n', '0\r\nA: b\r\n']) assert.ok(!decode(text).ended, text);
});

test('what breaks the form is refused', () => {
  for (const text of [
    '\r\n',
    'x\r\n',
    '-1\r\n',
    '0x1\r\n',
    ' 1\r\n',
    '1\n',
    '10000000000000\r\n',
    '1;\x01\r\n',
    '1 ;a\r\n',
    '1;a=b/c\r\n',
    '1\r\nab\r\n',
    '1\r\na\n',
    '0\r\nA b\r\n',
    '0\r\n A: b\r\n',
    '0\r\nContent-Length: 3\r\n',
  ])
    assert.throws(() => decode(text), { status: 400 }, JSON.stringify(text));
  assert.throws(() => decode(`1;${'x'.repeat(20_000)}`, 100), { status: 400 });
  assert.throws(() => decode(`0\r\n${'A: b\r\n'.repeat(5000)}`, 100), { status: 400 });
});
