import type { Command, Node, Operand, Pipe } from './ast.ts';
import { unquote } from './constants.ts';
import { lex, type Token, type TokenKind } from './lexer.ts';
import { parseError } from './template-error.ts';

interface Parser {
  text: string;
  tokens: Token[];
  next: number;
  functions: ReadonlySet<string>;
  /** Variables in scope, the innermost last. */
  variables: string[];
  rangeDepth: number;
}

/**
 * Parses a template of Go's language: actions, pipelines, variables, `if`, `range`, `with`, `else`, `break`, `continue`,
 * comments and trim markers; named templates are not part of it.
 *
 * @throws TemplateError with Go's words for what is wrong.
 */
export function parse(text: string, functions: ReadonlySet<string>): Node[] {
  const parser: Parser = { text, tokens: lex(text), next: 0, functions, variables: ['$'], rangeDepth: 0 };
  const { nodes, stop } = parseList(parser);
  if (stop) throw fail(parser, stop, `unexpected {{${stop.source}}}`);
  return nodes;
}

const fail = (parser: Parser, token: Token, message: string) => parseError(parser.text, token.position, message);

const peek = (parser: Parser) => parser.tokens[parser.next]!;

function take(parser: Parser): Token {
  return parser.tokens[parser.next++]!;
}

function skipSpace(parser: Parser): Token {
  while (peek(parser).kind === 'space') parser.next++;
  return peek(parser);
}

function expect(parser: Parser, kind: TokenKind, context: string): Token {
  const token = skipSpace(parser);
  if (token.kind !== kind) throw fail(parser, token, `unexpected ${shown(token)} in ${context}`);
  return take(parser);
}

const shown = (token: Token) => (token.kind === 'end' ? 'EOF' : token.kind === 'close' ? '"}}"' : `<${token.source}>`);

/** Nodes up to the end of the text or to an action that ends a list: `end` or `else`, whose word is taken. */
function parseList(parser: Parser): { nodes: Node[]; stop?: Token } {
  const nodes: Node[] = [];
  for (;;) {
    const token = take(parser);
    if (token.kind === 'end') return { nodes };
    if (token.kind === 'text') {
      nodes.push({ kind: 'text', text: token.source });
      continue;
    }
    const word = skipSpace(parser);
    if (word.kind === 'identifier' && (word.source === 'end' || word.source === 'else')) {
      return { nodes, stop: take(parser) };
    }
    nodes.push(parseAction(parser, word));
  }
}

function parseAction(parser: Parser, word: Token): Node {
  const keyword = word.kind === 'identifier' ? word.source : '';
  switch (keyword) {
    case 'if':
    case 'with':
    case 'range':
      take(parser);
      return parseControl(parser, keyword);
    case 'break':
    case 'continue':
      take(parser);
      if (parser.rangeDepth === 0) throw fail(parser, word, `{{${keyword}}} outside {{range}}`);
      expect(parser, 'close', `{{${keyword}}}`);
      return { kind: keyword };
    case 'define':
    case 'template':
    case 'block':
      throw fail(parser, word, `named templates ({{${keyword}}}) are not supported`);
    default:
      return { kind: 'action', pipe: parsePipe(parser, 'command', 'close') };
  }
}

function parseControl(parser: Parser, kind: 'if' | 'with' | 'range'): Node {
  const scope = parser.variables.length;
  const pipe = parsePipe(parser, kind, 'close');
  if (kind === 'range') parser.rangeDepth++;
  const { nodes: body, stop } = parseList(parser);
  if (kind === 'range') parser.rangeDepth--;
  if (!stop) throw fail(parser, peek(parser) ?? parser.tokens.at(-1)!, 'unexpected EOF');
  const otherwise = stop.source === 'else' ? parseElse(parser, kind) : [];
  if (stop.source === 'end') expect(parser, 'close', 'end');
  parser.variables.length = scope;
  return { kind, pipe, body, otherwise };
}

function parseElse(parser: Parser, kind: 'if' | 'with' | 'range'): Node[] {
  const word = skipSpace(parser);
  if (word.kind === 'identifier' && word.source === kind && kind !== 'range') {
    take(parser);
    return [parseControl(parser, kind)];
  }
  expect(parser, 'close', 'else');
  const { nodes, stop } = parseList(parser);
  if (!stop) throw fail(parser, parser.tokens.at(-1)!, 'unexpected EOF');
  if (stop.source === 'else') throw fail(parser, stop, 'expected end; found {{else}}');
  expect(parser, 'close', 'end');
  return nodes;
}

function parsePipe(parser: Parser, context: string, end: 'close' | 'right-paren'): Pipe {
  const start = skipSpace(parser);
  const { variables, declares } = parseVariables(parser, context);
  const commands: Command[] = [];
  for (;;) {
    const token = skipSpace(parser);
    if (token.kind === end) {
      if (commands.length === 0) throw fail(parser, token, `missing value for ${context}`);
      const source = parser.text.slice(start.position, token.position).trim();
      take(parser);
      checkPipe(parser, commands, token);
      return { kind: 'pipe', position: start.position, source, variables, declares, commands };
    }
    commands.push(parseCommand(parser, context));
    if (skipSpace(parser).kind === 'pipe') take(parser);
  }
}

/** Only functions, methods and fields can take the value of the command before them. */
function checkPipe(parser: Parser, commands: Command[], token: Token): void {
  commands.slice(1).forEach((command, index) => {
    const { kind } = command.operands[0];
    if (kind === 'constant' || kind === 'dot' || kind === 'nil') {
      throw fail(parser, token, `non executable command in pipeline stage ${index + 2}`);
    }
  });
}

function parseVariables(parser: Parser, context: string): { variables: string[]; declares: boolean } {
  const start = parser.next;
  const names: string[] = [];
  while (skipSpace(parser).kind === 'variable') {
    names.push(take(parser).source);
    const after = skipSpace(parser);
    if (after.kind === 'comma' && context === 'range' && names.length < 2) {
      take(parser);
      continue;
    }
    if (after.kind === 'declare' || after.kind === 'assign') {
      take(parser);
      if (after.kind === 'declare') parser.variables.push(...names);
      return { variables: names, declares: after.kind === 'declare' };
    }
    if (after.kind === 'comma') throw fail(parser, after, `too many declarations in ${context}`);
    break;
  }
  parser.next = start;
  return { variables: [], declares: false };
}

function parseCommand(parser: Parser, context: string): Command {
  const start = skipSpace(parser);
  const operands: Operand[] = [];
  for (;;) {
    skipSpace(parser);
    const operand = parseOperand(parser);
    if (operand) operands.push(operand);
    const token = peek(parser);
    if (token.kind === 'space') continue;
    if (['close', 'right-paren', 'pipe'].includes(token.kind)) break;
    throw fail(parser, token, `unexpected ${shown(token)} in ${operand ? 'operand' : context}`);
  }
  const [first, ...rest] = operands;
  if (!first) throw fail(parser, start, 'empty command');
  const source = parser.text.slice(start.position, peek(parser).position).trim();
  return { position: start.position, source, operands: [first, ...rest] };
}

/** A term and the fields that follow it without a space. */
function parseOperand(parser: Parser): Operand | undefined {
  const term = parseTerm(parser);
  if (!term || peek(parser).kind !== 'field') return term;
  const position = peek(parser).position;
  const names: string[] = [];
  while (peek(parser).kind === 'field') names.push(take(parser).source.slice(1));
  const source = `${term.source}.${names.join('.')}`;
  if (term.kind === 'field') return { ...term, position, source, names: [...term.names, ...names] };
  if (term.kind === 'variable') return { ...term, position, source, names: [...term.names, ...names] };
  if (term.kind === 'constant' || term.kind === 'nil') {
    throw parseError(parser.text, position, `unexpected . after term ${JSON.stringify(term.source)}`);
  }
  return { kind: 'chain', position, source, base: term, names };
}

function parseTerm(parser: Parser): Operand | undefined {
  const token = peek(parser);
  const { position, source } = token;
  const at = { position, source };
  switch (token.kind) {
    case 'identifier':
      take(parser);
      if (source === 'true' || source === 'false') return { ...at, kind: 'constant', value: source === 'true' };
      if (source === 'nil') return { ...at, kind: 'nil' };
      if (!parser.functions.has(source)) throw fail(parser, token, `function ${JSON.stringify(source)} not defined`);
      return { ...at, kind: 'function', name: source };
    case 'dot':
      take(parser);
      return { ...at, kind: 'dot' };
    case 'field':
      take(parser);
      return { ...at, kind: 'field', names: [source.slice(1)] };
    case 'variable':
      take(parser);
      if (!parser.variables.includes(source)) throw fail(parser, token, `undefined variable ${JSON.stringify(source)}`);
      return { ...at, kind: 'variable', name: source, names: [] };
    case 'string':
    case 'character':
    case 'number':
      take(parser);
      return { ...at, kind: 'constant', value: unquote(parser.text, token) };
    case 'left-paren': {
      take(parser);
      const pipe = parsePipe(parser, 'parenthesized pipeline', 'right-paren');
      return { ...pipe, source: `(${pipe.source})` };
    }
    default:
      return undefined;
  }
}
