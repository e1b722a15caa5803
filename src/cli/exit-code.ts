import type { WaitResponse } from '#api/types/container.ts';
import { CommandError } from './errors.ts';

/** The exit code for a container that could not be started, by what the daemon says: 127 not found, 126 not runnable. */
export function startFailureCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return 127;
  if (/permission denied|is a directory/.test(message)) return 126;
  return 125;
}

/** The exit code that a wait has given. Throws CommandError when the daemon lost the container. */
export function exitCodeOf(response: WaitResponse): number {
  if (response.Error)
    throw new CommandError(`error waiting for container: ${response.Error.Message}`, { exitCode: 125 });
  return response.StatusCode;
}
