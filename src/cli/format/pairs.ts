/** Lines `name: value` with the values in one column, as docker's version shows them. */
export function alignPairs(pairs: [name: string, value: string][], options: { indent: number }): string {
  const indent = ' '.repeat(options.indent);
  const width = 19 - options.indent;
  return pairs.map(([name, value]) => `${`${indent}${`${name}:`.padEnd(width)} ${value}`.trimEnd()}\n`).join('');
}
