/** Header fields of a reply by name. */
export type Fields = Readonly<Record<string, string | number>>;

const LINE_BREAK = /[\r\n\0]/;

/** The lines of the fields, each with its end. Throws when a value would begin a line of its own. */
export function fieldLines(fields: Fields): string {
  let lines = '';
  for (const name in fields) {
    const value = fields[name]!;
    if (typeof value === 'string' && LINE_BREAK.test(value))
      throw new Error(`a line break in the header field ${name}`);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

let second = 0;
let line = '';

/** The line `Date`, made once a second. */
export function dateLine(): string {
  const now = Math.trunc(Date.now() / 1000);
  if (now !== second) {
    second = now;
    line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return line;
}
