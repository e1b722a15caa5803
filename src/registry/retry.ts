import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, isEngineError } from '#errors/errors.ts';
import { CONNECTION_LOST } from './connection-error.ts';
import type { RegistryReply } from './exchange.ts';
import { retryAfter } from './reply-error.ts';
import type { RegistrySettings } from './settings.ts';

const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** ms; who asks for more patience than this is not asked again. */
const LONGEST_WAIT = 15_000;

/**
 * Tries until there is a reply that another try would not better, or until the attempts are used up: then the last reply
 * or failure stands. Waits twice as long each time, a little at random, and as `Retry-After` says.
 */
export async function withRetries(
  settings: Pick<RegistrySettings, 'attempts' | 'backOff'>,
  signal: AbortSignal | undefined,
  attempt: () => Promise<RegistryReply>,
): Promise<RegistryReply> {
  for (let tried = 1; ; tried++) {
    const last = tried >= settings.attempts;
    let asked: number | undefined;
    try {
      const reply = await attempt();
      if (last || !PASSING.has(reply.status)) return reply;
      asked = retryAfter(reply.headers);
      if (asked !== undefined && asked > LONGEST_WAIT) return reply;
      reply.discard();
    } catch (error) {
      if (last || !isEngineError(error, 'unavailable') || error.code !== CONNECTION_LOST) throw error;
    }
    await pause(asked ?? backOff(settings.backOff, tried), signal);
  }
}

/** ms before the try that follows the `tried`-th. */
export function backOff(first: number, tried: number): number {
  return Math.min(LONGEST_WAIT, first * 2 ** (tried - 1)) * (0.75 + Math.random() / 2);
}

/** Throws `cancelled` when `signal` fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((cause: unknown) => {
    throw cancelled('the request was cancelled', { cause });
  });
}
