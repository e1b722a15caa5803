import { readFile } from 'node:fs/promises';
import { describe, errnoCode, invalid } from '#errors/errors.ts';
import { CONFIG_OPTIONS, type ConfigOption } from './config-options.ts';

/** What one source says: flag name -> value. Lists and maps hold every mention. */
export type OptionValues = Map<string, OptionValue>;
export type OptionValue = string | boolean | number | string[] | Record<string, string> | Record<string, RuntimeOption>;

/** One of `runtimes` in daemon.json. */
export interface RuntimeOption {
  path: string;
  runtimeArgs?: string[];
}

const byFlag = new Map(CONFIG_OPTIONS.map((option) => [option.flag, option]));
const byShort = new Map(CONFIG_OPTIONS.flatMap((option) => (option.short ? [[option.short, option] as const] : [])));
const byKey = new Map(CONFIG_OPTIONS.flatMap((option) => (option.key ? [[option.key, option] as const] : [])));

/** Reads the command line: `--name value`, `--name=value`, `-x value`, `-xvalue`; booleans take `=true|false`. */
export function parseFlags(argv: readonly string[]): OptionValues {
  const values: OptionValues = new Map();
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    const { option, text } = splitFlag(argument);
    if (option.kind === 'bool') {
      values.set(option.flag, parseBool(text ?? 'true', `--${option.flag}`));
      continue;
    }
    const value = text ?? argv[++index];
    if (value === undefined) throw invalid(`flag needs an argument: ${argument}`, { hint: HELP_HINT });
    addFlag(values, option, value);
  }
  return values;
}

const HELP_HINT = "See 'wherryd --help'.";

function splitFlag(argument: string): { option: ConfigOption; text: string | undefined } {
  const long = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument);
  const short = /^-([a-zA-Z])(?:=?(.+))?$/s.exec(argument);
  const option = long ? byFlag.get(long[1]!) : short ? byShort.get(short[1]!) : undefined;
  if (option) return { option, text: long ? long[2] : short?.[2] };
  if (argument.startsWith('-')) throw invalid(`unknown flag: ${argument}`, { hint: HELP_HINT });
  throw invalid(`wherryd takes no arguments, only flags: ${argument}`, { hint: HELP_HINT });
}

function addFlag(values: OptionValues, option: ConfigOption, text: string): void {
  const { flag, kind } = option;
  if (kind === 'list') values.set(flag, [...((values.get(flag) as string[]) ?? []), text]);
  else if (kind === 'number') values.set(flag, parseNumber(text, `--${flag}`));
  else if (kind === 'text') values.set(flag, text);
  else {
    const equals = text.indexOf('=');
    if (equals <= 0) throw invalid(`invalid value "${text}" for --${flag}`, { hint: 'Write KEY=VALUE.' });
    const known = (values.get(flag) as Record<string, string>) ?? {};
    values.set(flag, { ...known, [text.slice(0, equals)]: text.slice(equals + 1) });
  }
}

/**
 * Reads daemon.json. A file that is not there is fine unless it was named. Throws `invalid` for text that is not a JSON
 * object, unknown keys and wrong types, naming file and key.
 */
export async function readConfigFile(path: string, named: boolean): Promise<OptionValues> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT' && !named) return new Map();
    throw invalid(`cannot read the configuration file ${path}: ${describe(error)}`, { cause: error });
  }
  const values: OptionValues = new Map();
  const entries = entriesOf(parseObject(text, path));
  const unknown = entries.map(([key]) => key).filter((key) => !byKey.has(key));
  if (unknown.length > 0) {
    throw invalid(`${path}: the following directives don't match any configuration option: ${unknown.join(', ')}`, {
      hint: `Keys are the flags of wherryd. ${HELP_HINT}`,
    });
  }
  for (const [key, value] of entries) {
    const option = byKey.get(key)!;
    values.set(option.flag, checkType(option, value, `${path}: ${key}`));
  }
  return values;
}

/** dockerd has its proxies in an object of their own. */
function entriesOf({ proxies, ...rest }: { proxies?: unknown }): [string, unknown][] {
  const nested = textMap(proxies);
  return Object.entries(nested ? { ...rest, ...nested } : proxies === undefined ? rest : { ...rest, proxies });
}

function parseObject(text: string, path: string): object {
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${path} is not JSON: ${describe(cause)}`, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw invalid(`${path}: the outermost value must be an object`);
}

function checkType({ flag, kind }: ConfigOption, value: unknown, where: string): OptionValue {
  const wrong = (expected: string) => invalid(`${where}: expected ${expected}, found ${JSON.stringify(value)}`);
  if (kind === 'bool') return typeof value === 'boolean' ? value : fail(wrong('true or false'));
  if (kind === 'number') return typeof value === 'number' ? value : fail(wrong('a number'));
  if (kind === 'text')
    return typeof value === 'string' || typeof value === 'number' ? String(value) : fail(wrong('text'));
  if (flag === 'default-ulimit') return ulimitTexts(value) ?? fail(wrong('{"nofile": {"Soft": 1, "Hard": 2}}'));
  if (flag === 'default-address-pool') return poolTexts(value) ?? fail(wrong('[{"base": "10.10.0.0/16", "size": 24}]'));
  if (kind === 'list') return isTextList(value) ? value : fail(wrong('a list of texts'));
  const map = flag === 'add-runtime' ? runtimeOptions(value) : textMap(value);
  return (
    map ?? fail(wrong(flag === 'add-runtime' ? '{"name": {"path": "/path", "runtimeArgs": []}}' : 'an object of texts'))
  );
}

function fail(error: Error): never {
  throw error;
}

const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function textMap(value: unknown): Record<string, string> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  return entries.every(([, item]) => typeof item === 'string') ? (value as Record<string, string>) : undefined;
}

/** Undefined unless each names a program and nothing that would make another one of it (`runtimeType`, `options`). */
function runtimeOptions(value: unknown): Record<string, RuntimeOption> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const wellFormed = Object.values(value).every((runtime) => {
    if (typeof runtime !== 'object' || runtime === null) return false;
    const { path, runtimeArgs = [], ...rest } = runtime;
    return typeof path === 'string' && path !== '' && isTextList(runtimeArgs) && Object.keys(rest).length === 0;
  });
  return wellFormed ? (value as Record<string, RuntimeOption>) : undefined;
}

function poolTexts(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const complete = value.every((pool) => typeof pool?.base === 'string' && Number.isInteger(pool?.size));
  return complete ? value.map(({ base, size }) => `base=${base},size=${size}`) : undefined;
}

function ulimitTexts(value: unknown): string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value as Record<string, { Soft?: unknown; Hard?: unknown }>);
  const complete = entries.every(([, limit]) => Number.isInteger(limit?.Soft) && Number.isInteger(limit?.Hard));
  return complete ? entries.map(([name, { Soft, Hard }]) => `${name}=${Soft}:${Hard}`) : undefined;
}

/** Flags and file together. Throws `invalid` for an option that both name. */
export function mergeSources(flags: OptionValues, file: OptionValues, path: string): OptionValues {
  const twice = [...flags.keys()].filter((flag) => file.has(flag));
  if (twice.length > 0) {
    const list = twice.map(
      (flag) => `${flag}: (from flag: ${show(flags.get(flag))}, from file: ${show(file.get(flag))})`,
    );
    throw invalid(
      `the following directives are specified both as a flag and in the configuration file: ${list.join(', ')}`,
      { hint: `Take them out of ${path} or off the command line.` },
    );
  }
  return new Map([...file, ...flags]);
}

const show = (value: OptionValue | undefined) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

export function parseBool(text: string, where: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw invalid(`invalid argument "${text}" for ${where}`, { hint: 'Use true or false.' });
}

function parseNumber(text: string, where: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw invalid(`invalid argument "${text}" for ${where}`, { hint: 'It takes a whole number.' });
}
