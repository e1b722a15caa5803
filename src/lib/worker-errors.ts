import { EngineError, type ErrorKind } from '#errors/errors.ts';

/** An error in a form that structured clone carries whole between threads (it would drop an EngineError's class). */
export interface PortableError {
  message: string;
  stack?: string;
  kind?: ErrorKind;
  code?: string;
  hint?: string;
  cause?: PortableError;
}

export function portableError(thrown: unknown): PortableError {
  if (!(thrown instanceof Error)) return { message: String(thrown) };
  const { code } = thrown as NodeJS.ErrnoException;
  const portable: PortableError = { message: thrown.message, stack: thrown.stack };
  if (typeof code === 'string') portable.code = code;
  if (isOfAnyCopy(thrown)) {
    portable.kind = thrown.kind;
    portable.hint = thrown.hint;
  }
  if (thrown.cause !== undefined) portable.cause = portableError(thrown.cause);
  return portable;
}

/** By its form: in the built form of the programs a job has a copy of EngineError that is not this file's. */
function isOfAnyCopy(error: Error): error is EngineError {
  return error instanceof EngineError || ('hint' in error && typeof (error as EngineError).kind === 'string');
}

/** The inverse of `portableError`: an EngineError where it was one, else an Error with its `code`. */
export function reviveError(portable: PortableError): Error {
  const { kind, code, hint } = portable;
  const cause = portable.cause && reviveError(portable.cause);
  if (kind) return new EngineError(kind, portable.message, { code, hint, cause });
  const error = new Error(portable.message, cause && { cause });
  if (portable.stack) error.stack = portable.stack;
  return code === undefined ? error : Object.assign(error, { code });
}
