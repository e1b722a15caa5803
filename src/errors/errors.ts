/**
 * The one error type that crosses rooms. `kind` decides the HTTP status; `message` is what the user reads (Docker's
 * words where clients match them); `hint` says what to do next and is appended to the message by the API.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'not-modified'
  | 'system'
  | 'not-implemented'
  | 'unavailable'
  | 'cancelled';

export interface ErrorOptions {
  /** What the user can do about it; one sentence. */
  hint?: string;
  /** A stable machine-readable name, for example `MANIFEST_TRUNCATED`. */
  code?: string;
  cause?: unknown;
}

export class EngineError extends Error {
  readonly kind: ErrorKind;
  readonly code: string | undefined;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EngineError';
    this.kind = kind;
    this.code = options.code;
    this.hint = options.hint;
  }
}

const maker = (kind: ErrorKind) => (message: string, options?: ErrorOptions) => new EngineError(kind, message, options);

/** 400: the request cannot be right as it stands. */
export const invalid = maker('invalid');
/** 401 */
export const unauthorized = maker('unauthorized');
/** 403 */
export const forbidden = maker('forbidden');
/** 404: the named thing does not exist. */
export const notFound = maker('not-found');
/** 409: the thing's state does not allow it. */
export const conflict = maker('conflict');
/** 304: the thing already is as asked. */
export const notModified = maker('not-modified');
/** 500: this engine or the machine failed. */
export const system = maker('system');
/** 501: a route or option that this engine does not have. */
export const notImplemented = maker('not-implemented');
/** 503 */
export const unavailable = maker('unavailable');
/** The caller went away or aborted; nobody reads the reply. */
export const cancelled = maker('cancelled');

export function isEngineError(error: unknown, kind?: ErrorKind): error is EngineError {
  return error instanceof EngineError && (kind === undefined || error.kind === kind);
}

/** `error.code` of a failed system call (`ENOENT`, ...), else undefined. */
export function errnoCode(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** One line of text for a log or a message, whatever was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
