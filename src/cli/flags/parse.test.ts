import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { UsageError } from '../errors.ts';
import { HelpRequest, parseFlags } from './parse.ts';
import { bytes, duration, nanoDecimal, parseBytes, parseDuration } from './quantities.ts';
import { alias, flag } from './types.ts';
import { bool, filter, int, int64, list, map, string } from './values.ts';

const table = {
  interactive: flag(bool, '', { short: 'i' }),
  tty: flag(bool, '', { short: 't' }),
  proxy: flag(bool, '', { initial: true }),
  name: flag(string, '', { short: 'n' }),
  env: flag(list, '', { short: 'e' }),
  time: flag(int, '', { initial: 10 }),
  seconds: alias(int, 'time'),
};

const parse = (line: string, stopAtArgument = false) =>
  parseFlags(table, line === '' ? [] : line.split(' '), { stopAtArgument });

test('every way to write a flag', () => {
  const cases: [line: string, values: object, args: string[]][] = [
    ['', { interactive: false, proxy: true, name: '', env: [], time: 10 }, []],
    ['-i -t', { interactive: true, tty: true }, []],
    ['-it', { interactive: true, tty: true }, []],
    ['-itn web', { interactive: true, tty: true, name: 'web' }, []],
    ['-itnweb', { interactive: true, tty: true, name: 'web' }, []],
    ['-n=web', { name: 'web' }, []],
    ['-in=web x', { interactive: true, name: 'web' }, ['x']],
    ['--name web', { name: 'web' }, []],
    ['--name=web', { name: 'web' }, []],
    ['--name=', { name: '' }, []],
    ['--name=a=b', { name: 'a=b' }, []],
    ['--name -x', { name: '-x' }, []],
    ['--interactive=false --proxy=0', { interactive: false, proxy: false }, []],
    ['-i=t', { interactive: true }, []],
    ['--interactive false', { interactive: true }, ['false']],
    ['-e a -eb --env=c --env d', { env: ['a', 'b', 'c', 'd'] }, []],
    ['--name a --name b', { name: 'b' }, []],
    ['--seconds 3', { time: 3 }, []],
    ['a -i b', { interactive: true }, ['a', 'b']],
    ['a -- -i b', { interactive: false }, ['a', '-i', 'b']],
    ['-', {}, ['-']],
  ];
  for (const [line, values, args] of cases) {
    const parsed = parse(line);
    for (const [name, value] of Object.entries(values)) {
      assert.deepEqual(parsed.values[name as keyof typeof table], value, `${line}: ${name}`);
    }
    assert.deepEqual(parsed.args, args, line);
  }
});

test('the first argument can end the flags', () => {
  const parsed = parse('-i image -t --name x -- y', true);
  assert.deepEqual(parsed.args, ['image', '-t', '--name', 'x', '--', 'y']);
  assert.equal(parsed.values.tty, false);
  assert.deepEqual(parse('-- -i x', true).args, ['-i', 'x']);
});

test('which flags were given, under their own names', () => {
  assert.deepEqual([...parse('--seconds 1 -i=false').given], ['time', 'interactive']);
});

test('what is wrong is said in the words of docker', () => {
  const cases: [line: string, message: string][] = [
    ['--foo', 'unknown flag: --foo'],
    ['--foo=1', 'unknown flag: --foo'],
    ['--__proto__', 'unknown flag: --__proto__'],
    ['-itx', "unknown shorthand flag: 'x' in -itx"],
    ['--name', 'flag needs an argument: --name'],
    ['-in', "flag needs an argument: 'n' in -in"],
    ['--=x', 'bad flag syntax: --=x'],
    ['---x', 'bad flag syntax: ---x'],
    [
      '-i=maybe',
      'invalid argument "maybe" for "-i, --interactive" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    ['--time x', 'invalid argument "x" for "--time" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  ];
  for (const [line, message] of cases) {
    assert.throws(
      () => parse(line),
      (error) => error instanceof UsageError && error.message === message && error.exitCode === 125,
      line,
    );
  }
});

test('help can be asked for anywhere before the container its own command line', () => {
  for (const line of ['--help', '-h', 'x --help', '-ih']) assert.throws(() => parse(line), HelpRequest, line);
  assert.deepEqual(parse('x --help', true).args, ['x', '--help']);
});

test('any command line gives values or a usage error, and nothing else', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('-', '--', '-i', '-it', '--name', '-n', '--env=', '-e', '--time', '1', '='),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.boolean(), (argv, stopAtArgument) => {
      try {
        parseFlags(table, argv, { stopAtArgument });
      } catch (error) {
        if (!(error instanceof UsageError) && !(error instanceof HelpRequest)) throw error;
      }
    }),
  );
});

test('sizes', () => {
  const sizes: [text: string, bytes: number | bigint][] = [
    ['0', 0],
    ['512', 512],
    ['10b', 10],
    ['1k', 1024],
    ['1K', 1024],
    ['1kb', 1024],
    ['2KiB', 2048],
    ['1.5m', 1_572_864],
    ['3 GB', 3 * 2 ** 30],
    ['1t', 2 ** 40],
    ['9223372036854774784', 9223372036854774784n],
  ];
  for (const [text, value] of sizes) assert.equal(parseBytes(text), value, text);
  for (const text of ['', 'x', '-1', '1x', '1.k', 'k', '1kk', '1  k', '0x10'])
    assert.throws(() => parseBytes(text), /invalid size/, text);
  assert.equal(bytes.set(0, '1k'), 1024);
});

test('durations', () => {
  const second = 1_000_000_000n;
  const durations: [text: string, ns: bigint][] = [
    ['0', 0n],
    ['1s', second],
    ['1h30m', 5400n * second],
    ['1.5s', 1_500_000_000n],
    ['.5s', 500_000_000n],
    ['-2ms', -2_000_000n],
    ['100us', 100_000n],
    ['1h2m3.004s', 3723n * second + 4_000_000n],
  ];
  for (const [text, ns] of durations) assert.equal(parseDuration(text), ns, text);
  for (const text of ['', '1', 's', '1x', '1s x', '--1s'])
    assert.throws(() => parseDuration(text), /invalid duration/, text);
  assert.equal(duration.set(0, '1s'), 1_000_000_000);
});

test('decimals in billionths, filters, maps and large integers', () => {
  assert.equal(nanoDecimal.set(0, '1.5'), 1_500_000_000);
  assert.equal(nanoDecimal.set(0, '1/4'), 250_000_000);
  assert.equal(nanoDecimal.set(0, '5e-1'), 500_000_000);
  assert.throws(() => nanoDecimal.set(0, '0.0000000001'), /too precise/);
  assert.throws(() => nanoDecimal.set(0, '1/0'), /rational/);
  assert.deepEqual(filter.set(filter.set({}, 'label=a=b'), 'Label= c '), { label: ['a=b', 'c'] });
  assert.throws(() => filter.set({}, 'x'), /expected name=value/);
  assert.deepEqual(map.set(map.set({}, 'a=1'), 'a=2'), { a: '2' });
  assert.equal(int64.set(0, '9223372036854775807'), 9223372036854775807n);
  assert.equal(int64.set(0, '-0x10'), -16);
  assert.throws(() => int64.set(0, '9223372036854775808'), /value out of range/);
});
