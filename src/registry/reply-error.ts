import { EngineError, type ErrorKind } from '#errors/errors.ts';
import { parseChallenges } from './challenge.ts';
import type { RegistryReply } from './exchange.ts';

/** Bytes of an error's body that are looked at. */
const MAX_BODY = 64 << 10;

const KINDS: Readonly<Record<string, ErrorKind>> = {
  UNAUTHORIZED: 'unauthorized',
  DENIED: 'forbidden',
  NAME_UNKNOWN: 'not-found',
  MANIFEST_UNKNOWN: 'not-found',
  BLOB_UNKNOWN: 'not-found',
  BLOB_UPLOAD_UNKNOWN: 'not-found',
  NAME_INVALID: 'invalid',
  TAG_INVALID: 'invalid',
  MANIFEST_INVALID: 'invalid',
  DIGEST_INVALID: 'invalid',
  SIZE_INVALID: 'invalid',
  UNSUPPORTED: 'invalid',
  TOOMANYREQUESTS: 'unavailable',
  UNAVAILABLE: 'unavailable',
};

/** What replies without a body mean: to HEAD, from proxies. */
const CODES: Readonly<Record<number, [code: string, message: string]>> = {
  401: ['UNAUTHORIZED', 'authentication required'],
  403: ['DENIED', 'requested access to the resource is denied'],
  405: ['UNSUPPORTED', 'The operation is unsupported.'],
  429: ['TOOMANYREQUESTS', 'too many requests'],
};

/**
 * A refusal as an EngineError: its code is the registry's (`MANIFEST_UNKNOWN`, ...) or `HTTP_<status>`, its message the
 * one that Docker shows, `manifest unknown: manifest unknown`. Reads the rest of the reply.
 */
export async function replyError(reply: RegistryReply): Promise<EngineError> {
  const { status, headers } = reply;
  const body = await reply.bytes(MAX_BODY).catch(() => Buffer.alloc(0));
  const [code, message] = scopeRefusal(reply) ??
    statedErrors(body)[0] ??
    CODES[status] ?? [`HTTP_${status}`, unexpected(status, body)];
  const kind = KINDS[code] ?? kindOf(status);
  const known = code.startsWith('HTTP_') ? message : `${wordsOf(code)}: ${message}`;
  const hint = status === 429 ? rateLimitHint(headers) : undefined;
  return new EngineError(kind, known, { code, ...(hint && { hint }) });
}

/** A token that is valid, but not for this: the header knows better than the body, which says `UNAUTHORIZED`. */
function scopeRefusal({ status, headers }: RegistryReply): [string, string] | undefined {
  if (status !== 401) return undefined;
  const offered = parseChallenges(headers['www-authenticate'] ?? '');
  const refused = offered.some(({ parameters }) => parameters.get('error') === 'insufficient_scope');
  return refused ? ['DENIED', CODES[403]![1]] : undefined;
}

const wordsOf = (code: string) => code.toLowerCase().replaceAll('_', ' ');

function kindOf(status: number): ErrorKind {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not-found';
  if (status === 429 || status >= 500) return 'unavailable';
  return status >= 400 ? 'invalid' : 'system';
}

/** `{"errors": [{code, message}]}`, or the token server's `{"error", "error_description"}` and `{"details"}`. */
function statedErrors(body: Buffer): [string, string][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return [];
  }
  const { errors, details } = (parsed ?? {}) as { errors?: unknown; details?: unknown };
  if (typeof details === 'string') return [['UNAUTHORIZED', details]];
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((item): [string, string][] => {
    const { code, message } = (item ?? {}) as { code?: unknown; message?: unknown };
    if (typeof code !== 'string' || !/^[A-Z_]{1,64}$/.test(code)) return [];
    return [[code, typeof message === 'string' && message !== '' ? message.slice(0, 1000) : wordsOf(code)]];
  });
}

function unexpected(status: number, body: Buffer): string {
  const text = body.toString('utf8').replace(/\s+/g, ' ').trim().slice(0, 200);
  const shown = text === '' || text.startsWith('<') ? '' : `: ${text}`;
  return `received unexpected HTTP status: ${status}${shown}`;
}

function rateLimitHint(headers: RegistryReply['headers']): string {
  const wait = retryAfter(headers);
  const when = wait === undefined ? 'later' : `in ${Math.ceil(wait / 1000)} s`;
  const limit = /^(\d+);w=(\d+)$/.exec(String(headers['ratelimit-limit'] ?? ''));
  const allowed = limit ? ` It allows ${limit[1]} pulls in ${Math.round(Number(limit[2]) / 60)} minutes.` : '';
  return `the registry limits how often it is asked; log in for more, or try again ${when}.${allowed}`;
}

/** ms that the registry asks to wait, by `Retry-After` in seconds or as a date. */
export function retryAfter(headers: RegistryReply['headers']): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
