import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from './head.ts';

const head = (...lines: string[]) => parseHead(lines.map((line) => `${line}\r\n`).join(''));

test('a head is its method, target and fields', () => {
  const { headers, ...rest } = head(
    'POST /a?b=%20 HTTP/1.1',
    'Host: x',
    'X-A:\t one  two \t',
    'Content-Length: 12',
    'x-a:3',
    'E:',
  );
  assert.deepEqual(rest, {
    method: 'POST',
    target: '/a?b=%20',
    minor: 1,
    bodyLength: 12,
    persistent: true,
    upgrade: undefined,
    expectsContinue: false,
  });
  assert.deepEqual({ ...headers }, { host: 'x', 'x-a': 'one  two, 3', 'content-length': '12', e: '' });
});

test('names that objects have are names of fields like others', () => {
  const { headers } = head('GET / HTTP/1.1', '__proto__: a', 'constructor: b');
  assert.deepEqual(Object.entries(headers)[0], ['__proto__', 'a']);
  assert.equal(headers.constructor, 'b');
  assert.equal(head('GET / HTTP/1.1').headers.toString, undefined);
});

test('bytes beyond ASCII are Latin-1, and only spaces and tabs are cut off', () => {
  assert.equal(head('GET / HTTP/1.1', 'A: \xa0b\x85').headers.a, '\xa0b\x85');
});

test('a target with scheme and host means what follows the host', () => {
  const target = (text: string) => head(`GET ${text} HTTP/1.1`).target;
  assert.equal(target('http://localhost:80/v1.44/info?x=http://y/z'), '/v1.44/info?x=http://y/z');
  assert.equal(target('http://localhost?x'), '/?x');
  assert.equal(target('HTTPS://localhost'), '/');
  assert.equal(target('//a/b'), '//a/b');
});

test('the connection goes on by version and field', () => {
  const persistent = (version: string, ...lines: string[]) => head(`GET / HTTP/${version}`, ...lines).persistent;
  assert.ok(persistent('1.1'));
  assert.ok(!persistent('1.1', 'Connection: x , CLOSE'));
  assert.ok(!persistent('1.0'));
  assert.ok(persistent('1.0', 'Connection: Keep-Alive'));
});

test('an upgrade counts when Connection names it, in HTTP/1.1', () => {
  const upgrade = (version: string, connection: string) =>
    head(`GET / HTTP/${version}`, 'Upgrade: TCP', `Connection: ${connection}`).upgrade;
  assert.equal(upgrade('1.1', 'keep-alive, Upgrade'), 'tcp');
  assert.equal(upgrade('1.1', 'keep-alive'), undefined);
  assert.equal(upgrade('1.0', 'Upgrade'), undefined);
});

test('the body’s length is a number or told by chunks', () => {
  assert.equal(head('GET / HTTP/1.1', 'Content-Length: 0').bodyLength, 0);
  assert.equal(head('GET / HTTP/1.1', 'Content-Length: 9007199254740991').bodyLength, Number.MAX_SAFE_INTEGER);
  assert.equal(head('GET / HTTP/1.1', 'Transfer-Encoding: Chunked').bodyLength, 'chunked');
});

test('what is wrong or may be read in two ways is refused', () => {
  const refused = (status: number, ...lines: string[]) =>
    assert.throws(() => head(...lines), { status }, lines.join('|'));
  for (const line of [
    '',
    'GET /',
    'GET  / HTTP/1.1',
    'GET / HTTP/1.1 ',
    'GET /\xe9 HTTP/1.1',
    'GET a HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    'GET / HTTP/2.0',
    'GET / http/1.1',
    'G@T / HTTP/1.1',
    'GET /a b HTTP/1.1',
    'GET / HTTP/1.1\n',
    ' GET / HTTP/1.1',
  ])
    refused(400, line);
  for (const field of [
    'no colon',
    ' A: folded',
    'A : b',
    ': b',
    'A: b\rc',
    'A: b\nC: d',
    'A: \0',
    'A: \x7f',
    '\x80: b',
  ])
    refused(400, 'GET / HTTP/1.1', field);
  refused(400, 'GET / HTTP/1.1', 'Host: a', 'Host: a');
  refused(400, 'GET / HTTP/1.1', 'Content-Length: 3', 'Content-Length: 3');
  refused(400, 'GET / HTTP/1.1', 'Content-Length: 3', 'Transfer-Encoding: chunked');
  for (const length of ['', '+3', '-1', '3, 3', '0x3', '3 3', '9007199254740992', '99999999999999999999'])
    refused(400, 'GET / HTTP/1.1', `Content-Length: ${length}`);
  refused(400, 'GET / HTTP/1.0', 'Transfer-Encoding: chunked');
  for (const coding of ['', 'gzip, chunked', 'chunked, chunked', 'identity', 'xchunked'])
    refused(501, 'GET / HTTP/1.1', `Transfer-Encoding: ${coding}`);
  refused(417, 'GET / HTTP/1.1', 'Expect: tea');
});
