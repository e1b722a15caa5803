import { invalid } from '#errors/errors.ts';

/** Throws `invalid`, naming the place, for a NUL character anywhere in a request: it would end a text in the kernel. */
export function checkNoNul(value: unknown, place: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw invalid(`${place} must not contain a NUL character`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      checkNoNul(key, place);
      checkNoNul(item, Array.isArray(value) ? place : `${place}.${key}`);
    }
  }
}
