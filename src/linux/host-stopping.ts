import { isEngineError } from '#errors/errors.ts';
import type { Launcher } from './launcher-types.ts';

/** Milliseconds that a service manager which is busy stopping everything may take to answer. */
const PATIENCE = 10_000;

/**
 * Whether the machine is shutting down or restarting, as its service manager says: `systemctl is-system-running`
 * (systemctl(1)), else the run level (runlevel(8)). False where neither knows.
 */
export async function hostIsStopping(launcher: Pick<Launcher, 'run'>): Promise<boolean> {
  const [state, level] = await Promise.all([
    answerOf(launcher, ['systemctl', 'is-system-running']),
    answerOf(launcher, ['runlevel']),
  ]);
  return state === 'stopping' || /^[N\d] [06]$/.test(level);
}

/** What a program prints, whatever its exit code; nothing when there is no such program. */
async function answerOf(launcher: Pick<Launcher, 'run'>, argv: string[]): Promise<string> {
  try {
    const { stdout } = await launcher.run({ argv, timeoutMs: PATIENCE });
    return stdout.toString().trim();
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return '';
  }
}
