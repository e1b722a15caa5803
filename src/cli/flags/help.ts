import type { FlagTable } from './types.ts';

/** The flags' part of a help text, wrapped to `width` columns. */
export function flagHelp(table: FlagTable, width = 80): string {
  const shown = Object.entries(table)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const heads = shown.map(([name, flag]) => {
    const short = flag.short ? `-${flag.short}, ` : '    ';
    return `  ${short}--${name}${flag.type.name === '' ? '' : ` ${flag.type.name}`}`;
  });
  const column = Math.max(0, ...heads.map((head) => head.length)) + 3;
  return shown
    .flatMap(([, flag], index) => {
      const text = `${flag.help}${defaultNote(flag.initial)}`;
      return wrap(text, Math.max(24, width - column)).map(
        (line, row) => (row === 0 ? heads[index]! : '').padEnd(column) + line,
      );
    })
    .map((line) => `${line}\n`)
    .join('');
}

function defaultNote(initial: unknown): string {
  if (initial === undefined || initial === '' || initial === false || initial === 0) return '';
  return ` (default ${typeof initial === 'string' ? JSON.stringify(initial) : initial})`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}
