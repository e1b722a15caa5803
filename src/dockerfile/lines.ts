import { invalid } from '#errors/errors.ts';

/** A Dockerfile's instructions, each on one line, and the character that escapes in it. */
export interface LogicalLines {
  lines: string[];
  escapeToken: EscapeToken;
}

export type EscapeToken = '\\' | '`';

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const COMMENT = /^\s*#/;

/**
 * Takes comments and empty lines out and joins the lines that an escape at their end continues. Directives
 * (`# escape=...`) count before anything else only. Throws `invalid` for an escape that is none.
 */
export function logicalLines(text: string): LogicalLines {
  const physical = text.split(/\r?\n/);
  const escapeToken = readEscape(physical);
  const continued = escapeToken === '\\' ? /(?<!\\)\\[ \t]*$/ : /(?<!`)`[ \t]*$/;
  const lines: string[] = [];
  let open: string | undefined;
  for (const line of physical) {
    if (COMMENT.test(line) || line.trim() === '') continue;
    const joined = open === undefined ? line.trimStart() : open + line;
    if (continued.test(line)) open = joined.replace(continued, '');
    else {
      lines.push(joined.trimEnd());
      open = undefined;
    }
  }
  if (open !== undefined) lines.push(open.trimEnd());
  return { lines: lines.filter((line) => line !== ''), escapeToken };
}

function readEscape(lines: readonly string[]): EscapeToken {
  for (const line of lines) {
    const directive = DIRECTIVE.exec(line);
    if (!directive) break;
    if (directive[1]!.toLowerCase() !== 'escape') continue;
    const token = directive[2]!;
    if (token !== '\\' && token !== '`') throw invalid(`invalid escape token '${token}' does not match \` or \\`);
    return token;
  }
  return '\\';
}
