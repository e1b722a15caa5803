import type { Client } from '#api/client/client.ts';
import { attachContainer, type PendingExit, resizeContainer, waitContainer } from '#api/client/containers.ts';
import type { WaitCondition } from '#api/types/container.ts';
import type { Context } from '../command.ts';
import { exitCodeOf } from '../exit-code.ts';
import { runSession } from './attach-session.ts';
import type { Resize } from './resize.ts';

export interface FollowOptions {
  container: string;
  tty: boolean;
  streams: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** Empty = the default. */
  detachKeys: string;
  /** Send the signals of this process on to the container. */
  signals: boolean;
  /** What to wait for; absent = that it does not run. */
  until?: WaitCondition;
  /** Called when nothing can be missed any more. */
  start?(pending: PendingExit): Promise<void>;
}

/**
 * Attaches to a container, starts it if asked to, and stays with it to its end. Gives its exit code, or `detached` when the
 * user left it. The terminal is as before when this settles.
 */
export async function followContainer(
  context: Context,
  client: Client,
  options: FollowOptions,
): Promise<number | 'detached'> {
  const { container, tty, streams, detachKeys } = options;
  const undo: (() => unknown)[] = [];
  try {
    if (options.signals) {
      const { forwardSignals } = await import('./signals.ts');
      undo.push(forwardSignals(client, container));
    }
    const stream = await attachContainer(client, container, { ...streams, detachKeys: detachKeys || undefined });
    undo.push(() => stream.close());
    const pending = await waitContainer(client, container, options.until);
    undo.push(pending.cancel);
    // Reading begins before the start: what the container prints at once may fill the connection.
    const session = runSession(context, stream, { tty, stdin: streams.stdin, detachKeys });
    undo.unshift(() => session.catch(() => undefined));
    await options.start?.(pending);
    if (tty) {
      const { followSize } = await import('./resize.ts');
      const resize: Resize = (size, signal) => resizeContainer(client, container, size, signal);
      undo.push(followSize(context, resize, { redraw: options.start === undefined }));
    }
    return (await session) === 'detached' ? 'detached' : exitCodeOf(await pending.exit);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}
