import { EngineError, invalid, isEngineError, notFound } from '#errors/errors.ts';
import { familiarName, familiarReference, type Reference } from '#lib/reference.ts';

/** What a registry refused, in the words by which Docker's clients know it. */
export function explainPull(error: unknown, reference: Reference): unknown {
  if (!isEngineError(error)) return error;
  const { code, cause, hint, message } = error;
  const say = (what: string) =>
    notFound(`${what}: ${message}`, { ...(code && { code }), ...(hint && { hint }), cause });
  const name = familiarName(reference);
  switch (code) {
    case 'DENIED':
      return say(`pull access denied for ${name}, repository does not exist or may require 'docker login'`);
    case 'MANIFEST_UNKNOWN':
      return say(`manifest for ${familiarReference(reference)} not found`);
    case 'NAME_UNKNOWN':
      return say(`repository ${name} not found`);
    case 'HTTP_404':
      return say(`manifest for ${familiarReference(reference)} not found`);
    default:
      return error;
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
