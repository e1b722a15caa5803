import type { Hijacked } from '#api/client/client.ts';
import { type Context, print } from '../command.ts';
import { DEFAULT_DETACH_KEYS, detachFilter, parseDetachKeys } from './detach-keys.ts';
import { copyOutput } from './output.ts';

export interface SessionOptions {
  tty: boolean;
  stdin: boolean;
  /** Empty = the default. Only a terminal detaches. */
  detachKeys: string;
}

/** How an attached session ended. */
export type SessionEnd = 'output-ended' | 'detached';

/**
 * Joins the terminal (or whatever the standard streams are) to a container's streams until its output ends or the user
 * types the detach keys. The end of standard input closes the container's and nothing else.
 */
export async function runSession(context: Context, stream: Hijacked, options: SessionOptions): Promise<SessionEnd> {
  if (!options.stdin) {
    await copyOutput(stream.output, context, { raw: options.tty });
    return 'output-ended';
  }
  const restore = options.tty ? (await import('./raw-mode.ts')).rawMode(context) : () => undefined;
  const typing = new AbortController();
  try {
    const input = sendInput(context, stream, options, typing.signal);
    const output = copyOutput(stream.output, context, { raw: options.tty }).then((): SessionEnd => 'output-ended');
    return await Promise.race([output, input]);
  } finally {
    typing.abort();
    restore();
    stream.close();
    context.stdin.destroy();
  }
}

/** Never settles but with the detach keys: the output says when the session is over. */
async function sendInput(
  context: Context,
  stream: Hijacked,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const filter = options.tty ? detachFilter(parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS)) : undefined;
  stream.input.on('error', () => undefined);
  try {
    for await (const bytes of context.stdin) {
      if (signal.aborted || stream.input.destroyed) break;
      const passed = filter ? filter.push(bytes) : bytes;
      if (passed === undefined) return 'detached';
      await print(stream.input, passed);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  stream.input.end();
  return new Promise(() => undefined);
}
