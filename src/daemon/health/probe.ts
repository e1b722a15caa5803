import type { HealthcheckResult } from '#api/types/container.ts';
import type { Container } from '#container/container.ts';
import type { HealthCheck } from '#container/health.ts';
import { isEngineError } from '#errors/errors.ts';
import { formatDuration } from '#lib/duration.ts';
import { formatTime, nowNs } from '#lib/time.ts';
import { MAX_TIMEOUT } from '#lib/timers.ts';
import type { Engine } from '../engine.ts';
import { runInContainer } from '../exec/run.ts';

/** Bytes of output that are kept. */
const MAX_OUTPUT = 4096;
/** The exit code of a look that has none of its own. */
const NO_EXIT_CODE = -1;

/** Looks at a container once. Resolves when the check's processes are gone, which an abort of `signal` makes them. */
export async function probe(
  engine: Engine,
  container: Container,
  { command, timeout }: HealthCheck,
  signal: AbortSignal,
): Promise<HealthcheckResult> {
  const start = nowNs();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.min(Number(timeout / 1_000_000n), MAX_TIMEOUT));
  const result = (ExitCode: number, Output: string): HealthcheckResult => ({
    ...{ Start: formatTime(start), End: formatTime(nowNs()), ExitCode, Output },
  });
  try {
    const { exitCode, output } = await runInContainer(engine, container, command, {
      limit: MAX_OUTPUT + 1,
      signal: AbortSignal.any([signal, late.signal]),
      forEngine: true,
    });
    if (!late.signal.aborted) return result(exitCode, textOf(output));
    return result(NO_EXIT_CODE, `Health check exceeded timeout (${formatDuration(timeout)}): ${textOf(output)}`);
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return result(NO_EXIT_CODE, error.message);
  } finally {
    clearTimeout(timer);
  }
}

function textOf(output: Buffer): string {
  return output.length > MAX_OUTPUT ? `${output.toString('utf8', 0, MAX_OUTPUT)}...` : output.toString('utf8');
}
