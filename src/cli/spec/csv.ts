/**
 * One line of comma-separated fields; a field in double quotes may hold commas and doubled quotes (RFC 4180).
 *
 * @throws Error for a quote where none can stand.
 */
export function parseCsvLine(text: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (!match) throw new Error(`parse error on line 1, column ${at + 1}: bare " in non-quoted-field`);
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === '') return fields;
  }
}

/** `key=value` and `key` (value undefined), split at the first `=`. */
export function splitPair(text: string): [key: string, value: string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
