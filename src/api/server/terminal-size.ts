import { invalid } from '#errors/errors.ts';
import type { Call } from './call.ts';
import { integerValue } from './form.ts';

/** In characters. */
export interface TerminalSize {
  height: number;
  width: number;
}

const MAX = 0xffff;

/** The size that a resize asks for. Throws `invalid` for what no terminal can have. */
export function terminalSize(call: Call): TerminalSize {
  return { height: characters(call, 'h'), width: characters(call, 'w') };
}

function characters(call: Call, name: 'h' | 'w'): number {
  const value = integerValue(call.query, name);
  if (value !== undefined && value >= 0 && value <= MAX) return value;
  const what = name === 'h' ? 'height' : 'width';
  throw invalid(`invalid resize ${what} "${call.query.get(name) ?? ''}"`, { hint: 'give a number of characters' });
}

/** The first size of an exec's terminal, which clients can say since 1.42; one without extent says nothing. */
export function consoleSize(
  { Tty, ConsoleSize }: { Tty: boolean; ConsoleSize: readonly [number, number] | null },
  version: number,
): TerminalSize | undefined {
  if (!Tty || !ConsoleSize || version < 42) return undefined;
  const [height, width] = ConsoleSize;
  if (height < 0 || width < 0 || height > MAX || width > MAX)
    throw invalid(`invalid ConsoleSize [${height}, ${width}]`);
  return height > 0 && width > 0 ? { height, width } : undefined;
}
