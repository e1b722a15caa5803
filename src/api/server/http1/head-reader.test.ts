import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { HEAD_LIMIT, HeadReader } from './head-reader.ts';

/** The heads in `text` when it comes in pieces that end at `cuts`, and what is left behind the last one. */
function heads(text: string, cuts: number[]): { found: string[]; isWithin: boolean } {
  const reader = new HeadReader();
  const found: string[] = [];
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, text.length]) {
    const chunk = Buffer.from(text.slice(start, end), 'latin1');
    start = end;
    for (let at = 0; at < chunk.length; ) {
      const head = reader.read(chunk, at);
      if (!head) break;
      found.push(head.text);
      at = head.end;
    }
  }
  return { found, isWithin: reader.isWithin };
}

test('heads are found however they are cut, whatever line ends stand before them', () => {
  const text = '\r\n\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nPUT /\xff HTTP/1.1\r\n\r\n\r\nGET /3';
  fc.assert(
    fc.property(fc.array(fc.nat()), (cuts) => {
      assert.deepEqual(heads(text, cuts), {
        found: ['GET / HTTP/1.1\r\nA: b\r\n', 'PUT /\xff HTTP/1.1\r\n'],
        isWithin: true,
      });
    }),
  );
  assert.ok(!heads('\r\n', []).isWithin);
});

test('a head may be as large as the limit, in one piece and in many', () => {
  const head = `GET / HTTP/1.1\r\nA: ${'x'.repeat(HEAD_LIMIT - 23)}\r\n\r\n`;
  assert.equal(head.length, HEAD_LIMIT);
  const cuts = Array.from({ length: 1000 }, (_, i) => i * 1000);
  for (const pieces of [[], cuts]) {
    assert.equal(heads(head, pieces).found[0]?.length, HEAD_LIMIT - 2);
    assert.throws(() => heads(`GET /x${head.slice(5)}`, pieces), { status: 431 });
  }
  assert.throws(() => heads('x'.repeat(HEAD_LIMIT + 1), cuts), { status: 431 });
});

test('a head of a million bytes that come one by one is read in a moment', () => {
  const reader = new HeadReader();
  const byte = Buffer.from('x');
  for (let i = 0; i < HEAD_LIMIT; i++) assert.equal(reader.read(byte, 0), undefined);
  assert.throws(() => reader.read(byte, 0), { status: 431 });
});

test('what cannot become a head is refused before it ends', () => {
  for (const bytes of ['\x16\x03\x01', '\0', ' GET', 'GET / HTTP/1.1\nHost: x\n\n', 'GET / HTTP/1.1\r\nHost: x\n'])
    assert.throws(() => heads(bytes, []), { status: 400 }, bytes);
});
