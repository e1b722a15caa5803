import { EngineError, type ErrorKind, invalid, isEngineError, notFound, system } from '#errors/errors.ts';
import { familiarName, familiarReference, type Reference } from '#lib/reference.ts';

/** Docker's client asks for a password at a 401 and takes a 503 for the engine's own. */
const THE_REGISTRYS: ReadonlySet<ErrorKind> = new Set(['unauthorized', 'forbidden', 'unavailable']);

/** What a registry refused, in the words and of the kinds by which Docker's clients know it. */
export function explainPull(error: unknown, reference: Reference): unknown {
  if (!isEngineError(error)) return error;
  const { code, cause, hint, message } = error;
  const more = { ...(code && { code }), ...(hint && { hint }), cause };
  const say = (what: string) => notFound(`${what}: ${message}`, more);
  const name = familiarName(reference);
  switch (code) {
    case 'DENIED':
      return say(`pull access denied for ${name}, repository does not exist or may require 'docker login'`);
    case 'MANIFEST_UNKNOWN':
      return say(`manifest for ${familiarReference(reference)} not found`);
    case 'NAME_UNKNOWN':
      return say(`repository ${name} not found`);
    default:
      return THE_REGISTRYS.has(error.kind) ? system(message, more) : error;
  }
}

/** Refuses what nobody can pull. Throws `invalid`. */
export function refuseReserved(reference: Reference): void {
  if (familiarName(reference) === 'scratch') throw invalid("'scratch' is a reserved name");
  if (reference.digest !== undefined && !reference.digest.startsWith('sha256:')) {
    throw new EngineError(
      'not-implemented',
      `cannot pull by ${reference.digest.split(':')[0]}: only sha256 is supported`,
    );
  }
}
