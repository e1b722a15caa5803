import { invalid, isEngineError } from '#errors/errors.ts';
import type { EscapeToken } from './lines.ts';

/** `NAME=value` entries as a look-up; of two with one name the first counts. */
export type Environment = ReadonlyMap<string, string>;

const NAME = /[a-zA-Z_]\w*|\d+|[@*#?\-$!0]/y;

/**
 * Quotes, escapes and variables of one word, as Docker's builder understands them: `$NAME`, `${NAME}`, and `${NAME` with
 * `-`, `+` or `?` (a variable that is set) or `:-`, `:+`, `:?` (and not empty) `word}`. Throws `invalid`.
 */
export function expandWord(word: string, environment: Environment, escapeToken: EscapeToken): string {
  return expand(word, environment, escapeToken).text;
}

/** As `expandWord`, but the values of variables outside of quotes are split at white space. */
export function expandWords(word: string, environment: Environment, escapeToken: EscapeToken): string[] {
  return expand(word, environment, escapeToken).words;
}

function expand(word: string, environment: Environment, escapeToken: EscapeToken): { text: string; words: string[] } {
  try {
    return new Expansion(word, environment, escapeToken).run();
  } catch (error) {
    if (!isEngineError(error, 'invalid')) throw error;
    throw invalid(`failed to process ${JSON.stringify(word)}: ${error.message}`, { cause: error });
  }
}

/** One pass over a word. */
class Expansion {
  readonly #word: string;
  readonly #environment: Environment;
  readonly #escapeToken: EscapeToken;
  #at = 0;

  constructor(word: string, environment: Environment, escapeToken: EscapeToken) {
    this.#word = word;
    this.#environment = environment;
    this.#escapeToken = escapeToken;
  }

  run(): { text: string; words: string[] } {
    const pieces = this.#until(undefined);
    const words: string[] = [];
    let open: string | undefined;
    for (const { text, quoted } of pieces) {
      const parts = quoted ? [text] : text.split(/\s+/);
      open = (open ?? '') + parts[0]!;
      for (const part of parts.slice(1)) {
        words.push(open);
        open = part;
      }
    }
    if (open !== undefined) words.push(open);
    return { text: textOf(pieces), words: words.filter((part) => part !== '') };
  }

  /** The pieces up to `stop` (which is taken) or the end of the word. */
  #until(stop: '}' | undefined): Piece[] {
    const pieces: Piece[] = [];
    while (this.#at < this.#word.length) {
      const char = this.#word[this.#at]!;
      if (char === stop) {
        this.#at++;
        return pieces;
      }
      pieces.push(this.#piece(char));
    }
    if (stop) throw invalid(`syntax error: missing '}'`);
    return pieces;
  }

  #piece(char: string): Piece {
    if (char === "'") return { text: this.#singleQuoted(), quoted: true };
    if (char === '"') return { text: this.#doubleQuoted(), quoted: true };
    if (char === '$') return { text: this.#dollar(), quoted: false };
    this.#at++;
    return char === this.#escapeToken
      ? { text: this.#word[this.#at++] ?? '', quoted: true }
      : { text: char, quoted: false };
  }

  #singleQuoted(): string {
    const end = this.#word.indexOf("'", this.#at + 1);
    if (end < 0) throw unclosed('single');
    const text = this.#word.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    let text = '';
    this.#at++;
    for (;;) {
      const char = this.#word[this.#at];
      if (char === undefined) throw unclosed('double');
      if (char === '$') {
        text += this.#dollar();
        continue;
      }
      this.#at++;
      if (char === '"') return text;
      if (char !== this.#escapeToken) {
        text += char;
        continue;
      }
      const next = this.#word[this.#at++] ?? '';
      text += next === '"' || next === '$' || next === this.#escapeToken ? next : char + next;
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#word[this.#at] !== '{') {
      const name = this.#name();
      return name === '' ? '$' : (this.#environment.get(name) ?? '');
    }
    this.#at++;
    if (this.#at >= this.#word.length) throw invalid(`syntax error: missing '}'`);
    const name = this.#name();
    if (name === '') throw invalid('syntax error: bad substitution');
    return this.#modified(name);
  }

  /** After `${NAME`: the end or a modifier. */
  #modified(name: string): string {
    const emptyCounts = this.#word[this.#at] !== ':';
    if (!emptyCounts) this.#at++;
    const modifier = this.#word[this.#at++];
    const value = this.#environment.get(name);
    if (modifier === '}' && emptyCounts) return value ?? '';
    if (modifier === undefined) throw invalid(`syntax error: missing '}'`);
    const alternative = textOf(this.#until('}'));
    const isSet = value !== undefined && (emptyCounts || value !== '');
    if (modifier === '-') return isSet ? value : alternative;
    if (modifier === '+') return isSet ? alternative : '';
    if (modifier !== '?') throw invalid(`unsupported modifier (${modifier}) in substitution`);
    if (!isSet) throw invalid(`${name}: ${alternative || 'is not allowed to be unset'}`);
    return value;
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#word)?.[0] ?? '';
    this.#at += name.length;
    return name;
  }
}

interface Piece {
  text: string;
  /** Not split at white space. */
  quoted: boolean;
}

const textOf = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join('');

const unclosed = (quote: string) => invalid(`unexpected end of statement while looking for matching ${quote}-quote`);
