import { invalid } from '#errors/errors.ts';
import type { EscapeToken } from './lines.ts';

/** One instruction, taken apart as far as all instructions are alike. */
export interface Instruction {
  /** In capitals: `ENV`. */
  keyword: string;
  /** As it was written. */
  written: string;
  /** `--name=value` before the arguments; a flag without `=` has no value. */
  flags: ReadonlyMap<string, string | undefined>;
  /** What follows keyword and flags, trimmed. */
  rest: string;
  /** All that follows the keyword. */
  body: string;
  escapeToken: EscapeToken;
}

/** Reads one logical line. Throws `invalid` for a flag that is given twice. */
export function parseInstruction(line: string, escapeToken: EscapeToken): Instruction {
  const [, written = '', body = ''] = /^(\S+)\s*(.*)$/s.exec(line.trim()) ?? [];
  const { flags, rest } = takeFlags(body, escapeToken);
  return { keyword: written.toUpperCase(), written, flags, rest, body, escapeToken };
}

/** Throws `invalid` for flags that the instruction does not have. */
export function checkFlags({ flags }: Instruction, known: readonly string[] = []): void {
  for (const [name, value] of flags) {
    if (!known.includes(name)) throw invalid(`unknown flag: ${name}`);
    if (value === undefined) throw invalid(`missing a value on flag: ${name}`);
  }
}

/** The list of a JSON form (`["a", "b"]`), undefined for any other text. Throws `invalid` for a list of anything else. */
export function jsonForm(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  const list = firstJsonList(rest);
  if (!list) return undefined;
  if (list.some((item) => typeof item !== 'string')) {
    throw invalid('when using JSON array syntax, arrays must be comprised of strings only');
  }
  return list as string[];
}

/** Splits at white space outside of quotes; quotes and escapes stay in the words. */
export function splitWords(text: string, escapeToken: EscapeToken): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (!quote && /\s/.test(char)) {
      if (word) words.push(word);
      word = '';
      continue;
    }
    word += char;
    if (char === escapeToken && quote !== "'") word += text[++at] ?? '';
    else if (quote) quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
  }
  return word ? [...words, word] : words;
}

function takeFlags(body: string, escapeToken: EscapeToken): Pick<Instruction, 'flags' | 'rest'> {
  const flags = new Map<string, string | undefined>();
  let rest = body.trim();
  while (rest.startsWith('--')) {
    const word = splitWords(rest, escapeToken)[0]!;
    rest = rest.slice(word.length).trimStart();
    if (word === '--') break;
    const [, name, value] = /^--([^=]*)(?:=(.*))?$/s.exec(unquote(word))!;
    if (flags.has(name!)) throw invalid(`duplicate flag specified: ${name}`);
    flags.set(name!, value);
  }
  return { flags, rest };
}

const unquote = (word: string) => word.replaceAll(/["']/g, '');

/** Docker decodes the first value of the text and takes no notice of what follows it. */
function firstJsonList(text: string): unknown[] | undefined {
  for (let end = text.indexOf(']'); end >= 0; end = text.indexOf(']', end + 1)) {
    try {
      return JSON.parse(text.slice(0, end + 1)) as unknown[];
    } catch {} // the bracket stood within a text
  }
  return undefined;
}
