import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { digestOf } from '#lib/digest.ts';
import { parseImageConfig } from './config.ts';

const parse = (value: unknown) => parseImageConfig(Buffer.from(JSON.stringify(value)));
const rootfs = { type: 'layers', diff_ids: [digestOf('a')] };

test('the least config that is one', () => {
  const config = parse({ rootfs: {} });
  assert.deepEqual(config.diffIds, []);
  assert.equal(config.createdAt, 0n);
  assert.equal(config.config, undefined);
});

test('null is the same as absent, as in Go', () => {
  const config = parse({
    rootfs,
    created: null,
    history: null,
    config: { Cmd: null, Labels: null, Volumes: null, Healthcheck: null },
  });
  assert.deepEqual(config.config, {});
  assert.deepEqual(config.history, []);
});

test('a time keeps its nanoseconds, and integers all their digits', () => {
  const text = `{"rootfs":{},"created":"2024-01-02T03:04:05.123456789+02:00","config":{"Healthcheck":{"Interval":9223372036854771712}}}`;
  const config = parseImageConfig(Buffer.from(text));
  assert.equal(config.createdAt % 1_000_000_000n, 123_456_789n);
  assert.equal(config.config?.Healthcheck?.Interval, 9223372036854771712n);
});

test('what containers start with is read field by field', () => {
  const given = {
    User: 'u',
    ExposedPorts: { '80/tcp': {}, '53/udp': null },
    Env: ['A=b'],
    Entrypoint: ['/init'],
    Cmd: [],
    Volumes: { '/data': {} },
    WorkingDir: '/w',
    Labels: { k: 'v', __proto__x: '' },
    StopSignal: 'SIGINT',
    Healthcheck: { Test: ['CMD', 'x'], Retries: 3 },
    OnBuild: ['RUN x'],
    Shell: ['/bin/sh', '-c'],
  };
  const { config } = parse({ rootfs, config: { ...given, Hostname: 'ignored', Tty: true } });
  assert.deepEqual(config, { ...given, ExposedPorts: { '80/tcp': {}, '53/udp': {} } });
});

for (const [name, value, message] of [
  ['no object', [], /image config is a list, not an object/],
  ['no rootfs', {}, /rootfs is missing/],
  ['diffIDs that are numbers', { rootfs: { diff_ids: [1] } }, /rootfs.diff_ids\[0\]: '1' is not a sha256 digest/],
  ['a number for an architecture', { rootfs, architecture: 1 }, /architecture is a number, not a text/],
  ['labels that are no texts', { rootfs, config: { Labels: { a: 1 } } }, /config.Labels.a is a number, not a text/],
  ['history that is no list', { rootfs, history: {} }, /history is an object, not a list/],
  [
    'fractions of a nanosecond',
    { rootfs, config: { Healthcheck: { Interval: 1.5 } } },
    /Interval is a number, not a whole number/,
  ],
  [
    'an empty_layer that is a text',
    { rootfs, history: [{ empty_layer: 'yes' }] },
    /history\[0\].empty_layer is a text/,
  ],
] as const) {
  test(`a config with ${name} is refused`, () =>
    assert.throws(
      () => parse(value),
      (error) => isEngineError(error, 'invalid') && message.test(error.message),
    ));
}
