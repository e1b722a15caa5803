import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalSize } from '#api/client/containers.ts';
import type { Context } from '../command.ts';

const attempts = 10;

/** Passes a size on to the terminal of a container or an exec. */
export type Resize = (size: TerminalSize, signal: AbortSignal) => Promise<void>;

/**
 * Gives the container's terminal the size of ours, now and whenever ours changes. A resize that comes before the process
 * is there is tried again. With `redraw` the size changes once more than it has to, which makes a shell show its prompt to
 * someone who comes later. Call the result to stop.
 */
export function followSize(context: Context, resize: Resize, options: { redraw?: boolean } = {}): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const send = async (extraRows = 0) => {
    const { rows, columns } = context.stdout;
    if (rows && columns) await resize({ rows: rows + extraRows, columns }, signal);
  };
  const settle = async () => {
    for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
      try {
        if (options.redraw) await send(1);
        return await send();
      } catch {
        await sleep(10 * attempt, undefined, { signal });
      }
    }
  };
  // One after the other, so that the newest size is the last to arrive. One that does not get through ends no session.
  let sent = settle().catch(() => undefined);
  const changed = () => {
    sent = sent.then(() => send()).catch(() => undefined);
  };
  context.stdout.on('resize', changed);
  return () => {
    stop.abort();
    context.stdout.off('resize', changed);
  };
}
