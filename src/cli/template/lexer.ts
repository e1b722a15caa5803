/** Cuts a template into tokens, by the rules of Go's text/template/parse. */
import { parseError } from './template-error.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'field'
  | 'variable'
  | 'dot'
  | 'string'
  | 'character'
  | 'number'
  | 'pipe'
  | 'left-paren'
  | 'right-paren'
  | 'declare'
  | 'assign'
  | 'comma'
  | 'end';

export interface Token {
  kind: TokenKind;
  /** As it stands in the text. */
  source: string;
  /** Offset in the text. */
  position: number;
}

/** @throws TemplateError for an action that does not end or a character that has no meaning. */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  let trimNext = false;
  while (position < text.length) {
    const open = text.indexOf('{{', position);
    const literal = text.slice(position, open < 0 ? undefined : open);
    const trimHere = open >= 0 && /^-\s/.test(text.slice(open + 2, open + 4));
    const started = trimNext ? literal.trimStart() : literal;
    const shown = trimHere ? started.trimEnd() : started;
    if (shown !== '') tokens.push({ kind: 'text', source: shown, position });
    if (open < 0) break;
    const action = lexAction(text, open, trimHere ? open + 3 : open + 2);
    tokens.push(...action.tokens);
    position = action.end;
    trimNext = action.trim;
  }
  tokens.push({ kind: 'end', source: '', position: text.length });
  return tokens;
}

const comment = /\/\*[\s\S]*?\*\/(\s-)?\}\}/y;

function lexAction(text: string, open: number, inside: number): { tokens: Token[]; end: number; trim: boolean } {
  comment.lastIndex = inside + (/^\s*/.exec(text.slice(inside))?.[0].length ?? 0);
  if (text.startsWith('/*', comment.lastIndex) && (comment.lastIndex === inside || inside === open + 3)) {
    const at = comment.lastIndex;
    const match = comment.exec(text);
    if (!match)
      throw parseError(
        text,
        at,
        text.indexOf('*/', at) < 0 ? 'unclosed comment' : 'comment ends before closing delimiter',
      );
    return { tokens: [], end: at + match[0].length, trim: match[1] !== undefined };
  }
  const tokens: Token[] = [{ kind: 'open', source: '{{', position: open }];
  let position = inside;
  let depth = 0;
  for (;;) {
    const trim = /^\s-\}\}/.test(text.slice(position, position + 4));
    if (trim || text.startsWith('}}', position)) {
      if (depth > 0) throw parseError(text, position, 'unclosed left paren');
      tokens.push({ kind: 'close', source: '}}', position });
      return { tokens, end: position + (trim ? 4 : 2), trim };
    }
    const token = nextToken(text, position);
    depth += token.kind === 'left-paren' ? 1 : token.kind === 'right-paren' ? -1 : 0;
    if (depth < 0) throw parseError(text, position, "unexpected right paren U+0029 ')'");
    tokens.push(token);
    position += token.source.length;
  }
}

const patterns: [TokenKind, RegExp][] = [
  ['space', /\s+/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['left-paren', /\(/y],
  ['right-paren', /\)/y],
  ['comma', /,/y],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['character', /'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.))'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['dot', /\./y],
  ['identifier', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
];

function nextToken(text: string, position: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match) return { kind, source: match[0], position };
  }
  if (position >= text.length) throw parseError(text, position, 'unclosed action');
  const character = String.fromCodePoint(text.codePointAt(position)!);
  if (character === '"' || character === '`')
    throw parseError(
      text,
      position,
      character === '"' ? 'unterminated quoted string' : 'unterminated raw quoted string',
    );
  if (character === "'") throw parseError(text, position, 'unterminated character constant');
  const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  throw parseError(text, position, `unrecognized character in action: U+${code} '${character}'`);
}
