import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExact } from '#lib/json.ts';
import fc from '#test/support/property.ts';
import { parseMoment } from '../timestamp.ts';
import { displayWidth, ellipsis } from './display-width.ts';
import { compactJson, indentJson } from './json-text.ts';
import { formatPorts } from './ports.ts';
import { showProgress } from './progress.ts';
import { alignTabs } from './tab-writer.ts';
import { ago, binarySize, humanSize } from './units.ts';

test('sizes as docker writes them', () => {
  const sizes: [bytes: number, text: string][] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [2_024_713, '2.025MB'],
    [999_999, '1000kB'],
    [1_234_567_890, '1.235GB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(humanSize(bytes), text);
  assert.equal(humanSize(2_024_713, 3), '2.02MB');
  assert.equal(humanSize(999_900, 3), '1e+03kB', 'as Go prints %.3g');
  assert.equal(binarySize(25_276_502_016), '23.54GiB');
});

test('ages as docker writes them', () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  const lengths: [seconds: number, text: string][] = [
    [0.9, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute, '2 minutes'],
    [59 * minute, '59 minutes'],
    [hour, 'About an hour'],
    [1.6 * hour, '2 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [14 * day, '2 weeks'],
    [60 * day, '2 months'],
    [729 * day, '24 months'],
    [730 * day, '2 years'],
  ];
  for (const [seconds, text] of lengths) assert.equal(ago(1000, (1000 + seconds) * 1000), `${text} ago`);
});

test('columns are as wide as their widest cell and three more, at least ten', () => {
  assert.equal(alignTabs('A\tBB\tC\nlonger cell\tx\ty\n'), 'A             BB        C\nlonger cell   x         y\n');
  assert.equal(
    alignTabs('a\tb\nplain\nlonger cell\tc\n'),
    'a         b\nplain\nlonger cell   c\n',
    'a line without the cell ends a column',
  );
  assert.equal(alignTabs('漢字\tx\nab\ty'), '漢字      x\nab        y');
});

test('aligned text keeps its cells', () => {
  const cell = fc.stringMatching(/^[a-z]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 }), (rows) => {
      const lines = alignTabs(rows.map((row) => row.join('\t')).join('\n')).split('\n');
      assert.deepEqual(
        lines.map((line) => line.split(/ +/).join('')),
        rows.map((row) => row.join('')),
      );
    }),
  );
});

test('widths', () => {
  assert.equal(displayWidth('ünï'), 3);
  assert.equal(displayWidth('漢字'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(ellipsis('sleep 10000', 20), 'sleep 10000');
  assert.equal(ellipsis('a long command line that goes on', 20), 'a long command line…');
  assert.equal(ellipsis('漢字漢字', 5), '漢字…');
});

test('JSON is spread and packed without a change to its parts', () => {
  const text = '{"b":1,"10":{},"a":[],"n":9223372036854771712,"s":"x {\\"y\\": [1]} ","l":[1,{"z":null}],"f":1.0}';
  assert.equal(
    indentJson(text),
    '{\n    "b": 1,\n    "10": {},\n    "a": [],\n    "n": 9223372036854771712,\n    "s": "x {\\"y\\": [1]} ",\n    "l": [\n        1,\n        {\n            "z": null\n        }\n    ],\n    "f": 1.0\n}',
  );
  assert.equal(compactJson(indentJson(text)), text);
  assert.deepEqual(parseExact('[9223372036854771712,1.5,12,"9223372036854771712"]'), [
    9223372036854771712n,
    1.5,
    12,
    '9223372036854771712',
  ]);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const packed = JSON.stringify(value);
      assert.equal(compactJson(indentJson(packed)), packed);
      assert.equal(indentJson(packed), JSON.stringify(value, null, 4));
    }),
  );
});

test('ports', () => {
  const port = (privatePort: number, publicPort?: number, IP = '0.0.0.0', Type: 'tcp' | 'udp' = 'tcp') =>
    publicPort === undefined
      ? { PrivatePort: privatePort, Type }
      : { IP, PrivatePort: privatePort, PublicPort: publicPort, Type };
  assert.equal(formatPorts([]), '');
  assert.equal(formatPorts([port(80)]), '80/tcp');
  assert.equal(formatPorts([port(82), port(80), port(81)]), '80-82/tcp');
  assert.equal(formatPorts([port(80, 80), port(81, 81), port(90, 90)]), '0.0.0.0:80-81->80-81/tcp, 0.0.0.0:90->90/tcp');
  assert.equal(formatPorts([port(80, 8080), port(80, 8080, '::')]), '0.0.0.0:8080->80/tcp, [::]:8080->80/tcp');
  assert.equal(formatPorts([port(53), port(53, undefined, '', 'udp')]), '53/tcp, 53/udp');
});

test('moments', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  const seconds = now / 1000;
  assert.equal(parseMoment('42m', now), String(seconds - 42 * 60));
  assert.equal(parseMoment('1136073600.000000001', now), '1136073600.000000001');
  assert.equal(parseMoment('2013-01-02T13:23:37Z', now), '1357133017.000000000');
  assert.equal(parseMoment('2013-01-02T13:23:37.123+01:00', now), '1357129417.123000000');
  assert.equal(parseMoment('2013-01-02', now), `${Math.floor(new Date(2013, 0, 2).getTime() / 1000)}.000000000`);
  for (const text of ['', 'yesterday', '2013-13-01', '12:00'])
    assert.throws(() => parseMoment(text, now), /failed to parse value as time or duration/);
});

test('progress: rows are redrawn on a terminal, elsewhere plain lines come without bars', async () => {
  const messages = [
    { status: 'Pulling from x', id: 'latest' },
    { status: 'Downloading', id: 'a', progressDetail: { current: 50, total: 100 } },
    { status: 'Downloading', id: 'b', progressDetail: { current: 1, total: 100 } },
    { status: 'Pull complete', id: 'a' },
    { status: 'Status: done' },
    { aux: { Tag: 'x' } },
  ];
  async function* stream() {
    yield* messages;
  }
  const shown = async (isTTY: boolean) => {
    let text = '';
    const write = (piece: string) => {
      text += piece;
      return true;
    };
    const output = { isTTY, columns: 80, write };
    const aux: unknown[] = [];
    await showProgress(stream(), output as never, (value) => aux.push(value));
    assert.deepEqual(aux, [{ Tag: 'x' }]);
    return text;
  };
  assert.equal(await shown(false), 'latest: Pulling from x\na: Pull complete\nStatus: done\n');
  const drawn = await shown(true);
  assert.match(drawn, /a: Downloading \[=+> +\] {6}50B\/100B\n/);
  assert.ok(drawn.includes('\x1b[2A\r\x1b[2Ka: Pull complete\r\x1b[2B'), 'two rows up and down again');
});

test('progress: rates and the time that is left, once there is something to tell by', async () => {
  let at = 0;
  async function* messages() {
    for (const current of [0, 10e6, 20e6, 30e6]) {
      yield { status: 'Downloading', id: 'a', progressDetail: { current, total: 90e6 } };
      at += 1000;
    }
    yield { status: 'Extracting', id: 'a', progressDetail: { current: 1e6, total: 90e6 } };
  }
  const shown: string[] = [];
  const output = { isTTY: true, columns: 120, write: (piece: string) => shown.push(piece) > 0 };
  await showProgress(messages(), output as never, undefined, () => at);
  assert.doesNotMatch(shown[0]!, /\/s/);
  assert.match(shown[3]!, /30MB\/90MB {2}10MB\/s {2}6s/);
  assert.doesNotMatch(shown[4]!, /\/s/, 'another step begins anew');
});
