/** JSON whose numbers keep their digits and whose text keeps its order: what the daemon says is what the user sees. */

/** Parses; integers beyond 2^53 become bigints. Throws SyntaxError. */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown);
}

function exactNumber(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(context.source ?? '')) return value;
  return BigInt(context.source!);
}

/** Spreads valid JSON over lines with four spaces for each level, as docker's inspect prints; changes nothing else. */
export function indentJson(text: string): string {
  let depth = 0;
  let out = '';
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
  const tokens = text.match(token) ?? [];
  tokens.forEach((piece, index) => {
    const opens = piece === '{' || piece === '[';
    const closes = piece === '}' || piece === ']';
    const afterOpen = index > 0 && (tokens[index - 1] === '{' || tokens[index - 1] === '[');
    if (closes) depth--;
    if (closes ? !afterOpen : afterOpen) out += `\n${'    '.repeat(depth)}`;
    out += piece;
    if (opens) depth++;
    if (piece === ',') out += `\n${'    '.repeat(depth)}`;
    if (piece === ':') out += ' ';
  });
  return out;
}

/** The same JSON without white space between its parts. Throws SyntaxError when it is none. */
export function compactJson(text: string): string {
  JSON.parse(text);
  return (text.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? []).join('');
}
