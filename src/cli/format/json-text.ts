/** JSON as text: what the daemon says is what the user sees. */

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
