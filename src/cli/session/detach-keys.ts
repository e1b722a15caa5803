import { CommandError } from '../errors.ts';

/** Ctrl-P Ctrl-Q */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/**
 * The bytes of `ctrl-p,ctrl-q`, `ctrl-@`, `a,b`: single characters and `ctrl-` with a letter or one of `@[\]^_`.
 *
 * @throws CommandError for a key of another form.
 */
export function parseDetachKeys(text: string): number[] {
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control === undefined) {
      throw new CommandError(`invalid detach keys (${text}): Unknown character: '${key}'`, {
        hint: 'Use single characters and ctrl-KEY, separated by commas.',
      });
    }
    return control.toUpperCase().charCodeAt(0) & 0x1f;
  });
}

export interface DetachFilter {
  /** What to send on of `bytes`; undefined once the keys were typed. Keys of a sequence not yet whole are held back. */
  push(bytes: Uint8Array): Buffer | undefined;
}

/** Watches for the detach keys in what a user types. */
export function detachFilter(keys: number[]): DetachFilter {
  let matched = 0;
  return {
    push(bytes) {
      const out: number[] = [];
      for (const byte of bytes) {
        if (byte === keys[matched]) {
          matched++;
          if (matched === keys.length) return undefined;
          continue;
        }
        out.push(...keys.slice(0, matched));
        matched = byte === keys[0] && keys.length > 1 ? 1 : 0;
        if (matched === 0) out.push(byte);
      }
      return Buffer.from(out);
    },
  };
}
