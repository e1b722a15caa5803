import { DaemonError } from '#api/client/daemon-error.ts';
import { EngineError, errnoCode } from '#errors/errors.ts';
import { CommandError } from './errors.ts';

/** What the user reads about a failed command: what happened, and what to do about it. */
export function failureText(error: unknown, program: string): string {
  if (error instanceof DaemonError) return `Error response from daemon: ${error.message}`;
  if (error instanceof CommandError || error instanceof EngineError) {
    return error.hint ? `${error.message}\n${error.hint}` : error.message;
  }
  const code = errnoCode(error);
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return `${program}: the daemon closed the connection in the middle of a request`;
  return error instanceof Error ? `${program}: ${error.message}` : String(error);
}
