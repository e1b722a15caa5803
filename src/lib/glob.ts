import { invalid } from '#errors/errors.ts';

/**
 * A shell pattern as a regular expression, by the rules of Go's `path.Match`, which Docker's filters use: `*` and `?`
 * do not match a slash, `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it is.
 * Throws `invalid` for a malformed pattern.
 */
export function globToRegExp(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const group = readClass(pattern, at);
      source += group.source;
      at = group.end;
    } else source += literal(character === '\\' ? (pattern[++at] ?? refuse(pattern)) : character);
  }
  return new RegExp(`^${source}$`, 'su');
}

/** The class that begins at `start`, and the position of its closing bracket. */
function readClass(pattern: string, start: number): { source: string; end: number } {
  let at = start + 1;
  const negated = pattern[at] === '^';
  if (negated) at++;
  let source = '';
  const take = () => {
    const character = pattern[at++] ?? refuse(pattern);
    if (character === ']' || character === '-') refuse(pattern);
    return character === '\\' ? (pattern[at++] ?? refuse(pattern)) : character;
  };
  while (source === '' || pattern[at] !== ']') {
    const low = take();
    let high = low;
    if (pattern[at] === '-') {
      at++;
      high = take();
    }
    if (low > high) refuse(pattern);
    source += `${literal(low)}-${literal(high)}`;
  }
  return { source: `[${negated ? '^' : ''}${source}]`, end: at };
}

function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(character) ? `\\${character}` : character;
}

function refuse(pattern: string): never {
  throw invalid(`syntax error in pattern '${pattern.slice(0, 100)}'`);
}
