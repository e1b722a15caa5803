/** A number with a unit of powers of 1024: `512`, `64m`, `1.5g`, `10 MiB`. */
const SIZE = /^(\d+(?:\.\d+)?) ?([kmgtp])?(i?b)?$/i;

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Bytes, rounded down; undefined when the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (!match) return undefined;
  const bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
