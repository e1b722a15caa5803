import { Transform } from 'node:stream';
import { invalid } from '#errors/errors.ts';

/** Docker's default: ctrl-p, then ctrl-q. */
export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/**
 * The bytes of a key sequence such as `ctrl-p,ctrl-q` or `a,ctrl-[`. Throws `invalid` for an unknown key.
 */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(text.split(',').map((key) => keyCode(key, text)));
}

function keyCode(key: string, text: string): number {
  if (key.length === 1) return key.charCodeAt(0);
  const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key);
  if (!control) {
    throw invalid(`Invalid detach keys (${text}) provided: unknown character: '${key}'`, {
      hint: 'Keys are single characters or ctrl-<a-z, @, [, \\, ], ^, _>, separated by commas.',
    });
  }
  return control[1]!.toUpperCase().charCodeAt(0) & 0x1f;
}

/**
 * Passes input on until the keys were typed one after the other, then calls `onDetach` and swallows the rest. Keys that
 * turn out not to be the sequence are passed on late, none is lost.
 */
export function detachFilter(keys: Buffer, onDetach: () => void): Transform {
  let matched = 0;
  let detached = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (detached) return done();
      const out: number[] = [];
      for (const byte of chunk) {
        if (byte === keys[matched]) {
          if (++matched === keys.length) {
            detached = true;
            onDetach();
            break;
          }
          continue;
        }
        out.push(...keys.subarray(0, matched));
        matched = byte === keys[0] ? 1 : 0;
        if (matched === 0) out.push(byte);
      }
      done(null, Buffer.from(out));
    },
    flush(done) {
      done(null, detached ? undefined : keys.subarray(0, matched));
    },
  });
}
