import { EngineError, type ErrorKind } from '#errors/errors.ts';
import type { ResponseHead } from './http1.ts';

/** The daemon was reached and refused. */
export class DaemonError extends EngineError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(kinds[status] ?? (status < 500 ? 'invalid' : 'system'), message);
    this.name = 'DaemonError';
    this.status = status;
  }
}

const kinds: Record<number, ErrorKind> = {
  304: 'not-modified',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  501: 'not-implemented',
  503: 'unavailable',
};

/** The error in a reply: its `{"message"}`, else its text, else its status. */
export function daemonError(head: ResponseHead, body: string): DaemonError {
  const message = messageOf(body) || body.trim() || `${head.status} ${head.reason}`;
  return new DaemonError(head.status, message);
}

function messageOf(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    return String((parsed as { message?: unknown } | null)?.message ?? '');
  } catch {
    return '';
  }
}
