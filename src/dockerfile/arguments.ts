import type { ImageConfig } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';
import { type Environment, expandWord, expandWords } from './expand.ts';
import { type Instruction, jsonForm, splitWords } from './instruction.ts';

/** The ways in which instructions take their arguments; all throw `invalid` in Docker's words. */

const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c'];

/** CMD and ENTRYPOINT: a JSON list, or a line for the image's shell. */
export function commandLine(config: ImageConfig, { rest }: Instruction): string[] {
  return jsonForm(rest) ?? [...(config.Shell ?? DEFAULT_SHELL), ...(rest === '' ? [] : [rest])];
}

/** USER, WORKDIR, STOPSIGNAL: all that follows is one word. */
export function oneWord(config: ImageConfig, { keyword, rest, escapeToken }: Instruction): string {
  if (rest === '') throw invalid(`${keyword} requires exactly one argument`);
  return expandWord(rest, environmentOf(config), escapeToken);
}

/** EXPOSE: words; a variable may hold several. */
export function words(config: ImageConfig, { keyword, rest, escapeToken }: Instruction): string[] {
  if (rest === '') throw invalid(`${keyword} requires at least one argument`);
  const environment = environmentOf(config);
  return rest.split(/\s+/).flatMap((word) => expandWords(word, environment, escapeToken));
}

/** VOLUME: a JSON list, or words. */
export function listOrWords(config: ImageConfig, { keyword, rest, escapeToken }: Instruction): string[] {
  const list = jsonForm(rest) ?? rest.split(/\s+/).filter(Boolean);
  if (list.length === 0) throw invalid(`${keyword} requires at least one argument`);
  const environment = environmentOf(config);
  return list.map((word) => expandWord(word, environment, escapeToken));
}

/** ENV, LABEL: `name=value ...`, or one name and all the rest as its value. */
export function pairs(
  config: ImageConfig,
  { keyword, rest, escapeToken }: Instruction,
): [name: string, value: string][] {
  const parts = splitWords(rest, escapeToken);
  if (parts.length === 0) throw invalid(`${keyword} requires at least one argument`);
  const environment = environmentOf(config);
  const written = parts[0]!.includes('=') ? parts.map(splitPair) : [nameAndRest(keyword, rest)];
  return written.map(([name, value]) => {
    if (name === '') throw invalid(`${keyword} names can not be blank`);
    return [expandWord(name, environment, escapeToken), expandWord(value, environment, escapeToken)];
  });
}

function splitPair(word: string): [string, string] {
  const equals = word.indexOf('=');
  if (equals < 0) {
    throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
  }
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function nameAndRest(keyword: string, rest: string): [string, string] {
  const [, name, value] = /^(\S+)\s+(.*)$/s.exec(rest) ?? [];
  if (name === undefined) throw invalid(`${keyword} must have two arguments`);
  return [name, value!];
}

function environmentOf({ Env }: ImageConfig): Environment {
  const environment = new Map<string, string>();
  for (const entry of Env ?? []) {
    const equals = entry.indexOf('=');
    const name = equals < 0 ? entry : entry.slice(0, equals);
    if (!environment.has(name)) environment.set(name, equals < 0 ? '' : entry.slice(equals + 1));
  }
  return environment;
}
