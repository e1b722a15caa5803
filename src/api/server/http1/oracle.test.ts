import assert from 'node:assert/strict';
import { createServer, METHODS } from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from '#test/support/property.ts';
import { Connection } from './connection.ts';

/** A request as a server reads it; without body when that has not come to its end. */
interface Read {
  method: string | undefined;
  target: string | undefined;
  fields: [string, unknown][];
  body?: string;
}

let read: Read[] = [];

/** Notes the request, in the order of heads. */
async function note(
  request: Pick<Read, 'method' | 'target'>,
  headers: object,
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const noted: Read = { ...request, fields: Object.entries(headers) };
  read.push(noted);
  let text = '';
  for await (const chunk of body) text += chunk.toString('latin1');
  noted.body = text;
}

const ours = (socket: Socket) =>
  new Connection(socket, ({ method, target, headers, body }, response) => {
    const noted = note({ method, target }, headers, body);
    noted.catch(() => {}).then(() => response.whole(200, ''));
  });

/** node's own, made as forgiving about ends, hosts and upgrades as ours. */
const node = createServer({ requireHostHeader: false, shouldUpgradeCallback: () => false }, (request, response) => {
  const noted = note({ method: request.method, target: request.url }, request.headers, request);
  noted.catch(() => {}).then(() => response.end());
});
Object.assign(node, { httpAllowHalfOpen: true });
node.on('clientError', () => {}); // what it read before stands
const theirs = (socket: Socket) => node.emit('connection', socket);

/** What a server makes of the pieces, each sent by itself: the requests of which all has come. */
async function readBy(serve: (socket: Socket) => unknown, pieces: Buffer[]): Promise<Read[]> {
  read = [];
  const [client, server] = duplexPair();
  for (const side of [client, server]) side.on('error', () => {});
  serve(server as unknown as Socket);
  client.resume();
  for (const piece of pieces) {
    client.write(piece);
    await nextTurn();
  }
  client.end();
  for (let turn = 0; turn < 20; turn++) await nextTurn(); // there is no kernel between the two
  for (const side of [client, server]) side.destroy();
  return read.filter(({ body }) => body !== undefined);
}

const token = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(...'abcXYZ019-_.!~') });
const value = fc.string({ maxLength: 20, unit: fc.constantFrom(...'ab ,;:="/\t\xe9\xa0') });
const body = fc.string({ maxLength: 60, unit: fc.constantFrom(...'ab\r\n: 01/GET') });

const request = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD'),
    target: fc.string({ maxLength: 12, unit: fc.constantFrom(...'a1/?&=%+-') }).map((path) => `/${path}`),
    fields: fc.uniqueArray(fc.tuple(token, value), { maxLength: 4, selector: ([name]) => name.toLowerCase() }),
    framing: fc.constantFrom('none', 'length', 'chunked'),
    body,
    chunk: fc.integer({ min: 1, max: 20 }),
    blank: fc.constantFrom('', ' ', '\t '),
  })
  .map(({ method, target, fields, framing, body: data, chunk, blank }) => {
    const lines = fields.map(([name, text]) => `X-${name}:${blank}${text}${blank}\r\n`).join('');
    const start = `${method} ${target} HTTP/1.1\r\nHost: x\r\n${lines}`;
    if (framing === 'none') return `${start}\r\n`;
    if (framing === 'length') return `${start}Content-Length: ${data.length}\r\n\r\n${data}`;
    const chunks = data.match(new RegExp(`[^]{1,${chunk}}`, 'g')) ?? [];
    const coded = chunks.map((part) => `${part.length.toString(16)};e=1\r\n${part}\r\n`).join('');
    return `${start}Transfer-Encoding: chunked\r\n\r\n${coded}0\r\nX-T: 1\r\n\r\n`;
  });

const stream = fc
  .array(request, { minLength: 1, maxLength: 4 })
  .map((requests) => Buffer.from(requests.join(''), 'latin1'));
const cuts = fc.array(fc.nat(), { maxLength: 5 });

function cut(bytes: Buffer, at: number[]): Buffer[] {
  const ends = [...at.map((place) => place % bytes.length), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter((piece) => piece.length > 0);
}

test('what keeps to HTTP/1.1 is read as node reads it', async () => {
  await fc.assert(
    fc.asyncProperty(stream, cuts, async (bytes, at) => {
      const pieces = cut(bytes, at);
      assert.deepEqual(await readBy(ours, pieces), await readBy(theirs, pieces));
    }),
    { numRuns: 300 },
  );
});

/** What node does not read on behind: for us a method is any token, and the routes tell what there is. */
function upToUnknownMethod(requests: Read[]): Read[] {
  const end = requests.findIndex(({ method }) => !METHODS.includes(method ?? ''));
  return end < 0 ? requests : requests.slice(0, end);
}

/** Node takes the tab for a part of the coding's name; RFC 9112, section 5.1, does not. */
const CODED_TAB = /transfer-encoding:[^\r\n]*chunked *\t/i;

const SPICE = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  '\0',
  '\x80',
  '0',
  '1',
  'a',
  'HTTP/1.0',
  'chunked',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Connection: close\r\n',
  'Expect: 100-continue\r\n',
];
const edit = fc.tuple(fc.nat(), fc.nat(4), fc.constantFrom('', ...SPICE));

test('what does not is never read as something that node does not see in it', async () => {
  await fc.assert(
    fc.asyncProperty(stream, fc.array(edit, { minLength: 1, maxLength: 4 }), cuts, async (original, edits, at) => {
      let bytes = original;
      for (const [place, length, text] of edits) {
        const start = place % bytes.length;
        const rest = bytes.subarray(start + length);
        bytes = Buffer.concat([
          bytes.subarray(0, start),
          Buffer.from(text, 'latin1'),
          rest,
          Buffer.from(rest.length + start ? '' : ' '),
        ]);
      }
      fc.pre(!CODED_TAB.test(bytes.toString('latin1')));
      const pieces = cut(bytes, at);
      const mine = upToUnknownMethod(await readBy(ours, pieces));
      const expected = await readBy(theirs, pieces);
      assert.deepEqual(mine, expected.slice(0, mine.length));
    }),
    { numRuns: 1000 },
  );
});
