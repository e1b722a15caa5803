import { invalid } from '#errors/errors.ts';

/**
 * A shell pattern as a regular expression, by the rules of Go's `path.Match`, which Docker's filters use: `*` and `?`
 * do not match a slash, `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it is.
 * Throws `invalid` for a malformed pattern.
 */
export function globToRegExp(pattern: string): RegExp {
  const characters = [...pattern];
  let source = '';
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!;
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const group = readClass(characters, at);
      source += group.source;
      at = group.end;
    } else source += literal(character === '\\' ? (characters[++at] ?? refuse(characters)) : character);
  }
  return new RegExp(`^${source}$`, 'su');
}

/** The class that begins at `start`, and the position of its closing bracket. */
function readClass(characters: readonly string[], start: number): { source: string; end: number } {
  let at = start + 1;
  const negated = characters[at] === '^';
  if (negated) at++;
  let source = '';
  const take = () => {
    const character = characters[at++] ?? refuse(characters);
    if (character === ']' || character === '-') refuse(characters);
    return character === '\\' ? (characters[at++] ?? refuse(characters)) : character;
  };
  while (source === '' || characters[at] !== ']') {
    const low = take();
    let high = low;
    if (characters[at] === '-') {
      at++;
      high = take();
    }
    if (low.codePointAt(0)! > high.codePointAt(0)!) refuse(characters);
    source += `${literal(low)}-${literal(high)}`;
  }
  return { source: `[${negated ? '^' : ''}${source}]`, end: at };
}

function literal(character: string): string {
  return /[a-zA-Z0-9]/.test(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

function refuse(characters: readonly string[]): never {
  throw invalid(`syntax error in pattern '${characters.slice(0, 100).join('')}'`);
}
