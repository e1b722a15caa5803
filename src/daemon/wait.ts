import type { WaitCondition, WaitResponse } from '#api/types/container.ts';
import type { ExitResult } from '#container/container.ts';
import type { Engine } from './engine.ts';

/**
 * `POST /containers/{id}/wait`: registered when it resolves. A client that goes away leaves nothing behind. Who waits
 * for the removal is told the exit code only: why a start failed is the reply to the start.
 */
export async function waitForContainer(
  engine: Engine,
  id: string,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<{ result: Promise<WaitResponse> }> {
  const container = engine.containers.get(id);
  if (condition === 'removed')
    return { result: container.waitForRemoval(signal).then(({ exitCode }) => ({ StatusCode: exitCode })) };
  if (condition === 'not-running' && !container.active) {
    return { result: Promise.resolve(toResponse(container.lastExit())) };
  }
  return { result: container.waitForExit(signal).then(toResponse) };
}

function toResponse({ exitCode, error }: ExitResult): WaitResponse {
  return error ? { StatusCode: exitCode, Error: { Message: error } } : { StatusCode: exitCode };
}
