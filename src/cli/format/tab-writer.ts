import { displayWidth } from './display-width.ts';

const padding = 3;

/**
 * Aligns text by its tabs, as docker's tables are: a cell ends with a tab, a column is a run of lines that have a cell at
 * the same place, and is as wide as its widest cell plus three, at least `minWidth`. What follows the last tab is not
 * aligned.
 */
export function alignTabs(text: string, minWidth = 10): string {
  const ended = text.endsWith('\n');
  const lines = (ended ? text.slice(0, -1) : text).split('\n').map((line) => line.split('\t'));
  const out = lines.map(() => '');
  alignBlock(lines, out, minWidth, 0, 0, lines.length);
  return out.join('\n') + (ended ? '\n' : '');
}

/** Lays out column `column` of the lines from `start` to `end`, then the columns right of it, block by block. */
function alignBlock(
  lines: string[][],
  out: string[],
  minWidth: number,
  column: number,
  start: number,
  end: number,
): void {
  for (let row = start; row < end; row++) {
    if (lines[row]!.length - 1 <= column) {
      out[row] += lines[row]![column] ?? '';
      continue;
    }
    let stop = row;
    let width = minWidth;
    while (stop < end && lines[stop]!.length - 1 > column) {
      width = Math.max(width, displayWidth(lines[stop]![column]!) + padding);
      stop++;
    }
    for (let line = row; line < stop; line++) {
      const cell = lines[line]![column]!;
      out[line] += cell + ' '.repeat(width - displayWidth(cell));
    }
    alignBlock(lines, out, minWidth, column + 1, row, stop);
    row = stop - 1;
  }
}
