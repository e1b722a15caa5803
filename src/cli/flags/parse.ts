import { UsageError } from '../errors.ts';
import type { Flag, FlagTable, FlagValues, ParsedFlags } from './types.ts';

export interface ParseOptions {
  /** Stop at the first argument that is no flag: what follows belongs to another command. */
  stopAtArgument?: boolean;
}

/** The user asked for the help text. */
export class HelpRequest extends Error {}

/**
 * Takes a command line apart by the rules of docker's flags: `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * `-n=value`, `-it` for `-i -t`, `--` before what is no flag. Flags and arguments may mix.
 *
 * @throws UsageError for an unknown flag or a value that its type refuses; {@link HelpRequest} for `--help`.
 */
export function parseFlags<F extends FlagTable>(table: F, argv: string[], options: ParseOptions = {}): ParsedFlags<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(table)) values[name] = flag.initial ?? flag.type.initial;
  const given = new Set<string>();
  const shorts = shortNames(table);
  const args: string[] = [];
  const rest = [...argv];

  const set = (name: string, shown: string, text: string) => {
    const flag = table[name]!;
    const target = flag.aliasOf ?? name;
    try {
      values[target] = flag.type.set(given.has(target) ? values[target] : flag.type.initial, text);
    } catch (error) {
      throw new UsageError(`invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${(error as Error).message}`);
    }
    given.add(target);
  };

  const long = (word: string) => {
    const at = word.indexOf('=');
    const name = word.slice(2, at < 0 ? undefined : at);
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${word}`);
    const flag = Object.hasOwn(table, name) ? table[name]! : unknown(`unknown flag: --${name}`, name === 'help');
    if (at >= 0) set(name, shownName(name, flag), word.slice(at + 1));
    else if (flag.type.implied !== undefined) set(name, shownName(name, flag), flag.type.implied);
    else if (rest.length === 0) throw new UsageError(`flag needs an argument: --${name}`);
    else set(name, shownName(name, flag), rest.shift()!);
  };

  const short = (word: string) => {
    for (let position = 1; position < word.length; position++) {
      const letter = word[position]!;
      const name = shorts.get(letter) ?? unknown(`unknown shorthand flag: '${letter}' in ${word}`, letter === 'h');
      const flag = table[name]!;
      const after = word.slice(position + 1);
      if (after.startsWith('=')) return set(name, shownName(name, flag), after.slice(1));
      if (flag.type.implied === undefined) {
        if (after === '' && rest.length === 0) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
        return set(name, shownName(name, flag), after || rest.shift()!);
      }
      set(name, shownName(name, flag), flag.type.implied);
    }
  };

  while (rest.length > 0) {
    const word = rest.shift()!;
    if (word === '--') {
      args.push(...rest.splice(0));
    } else if (word.startsWith('--')) {
      long(word);
    } else if (word.startsWith('-') && word !== '-') {
      short(word);
    } else {
      args.push(word);
      if (options.stopAtArgument) args.push(...rest.splice(0));
    }
  }
  return { values: values as FlagValues<F>, given: given as Set<keyof F & string>, args };
}

function shortNames(table: FlagTable): Map<string, string> {
  const shorts = new Map<string, string>();
  for (const [name, flag] of Object.entries(table)) if (flag.short) shorts.set(flag.short, name);
  return shorts;
}

function shownName(name: string, flag: Flag<unknown>): string {
  return flag.short ? `-${flag.short}, --${name}` : `--${name}`;
}

function unknown(message: string, help: boolean): never {
  throw help ? new HelpRequest() : new UsageError(message);
}
