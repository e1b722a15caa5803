import type { Client } from '#api/client/client.ts';
import { resizeContainer } from '#api/client/containers.ts';
import type { Context } from '../command.ts';

const attempts = 10;

/**
 * Gives the container's terminal the size of ours, now and whenever ours changes. A resize that comes before the process
 * is there is tried again. Call the result to stop.
 */
export function followSize(context: Context, client: Client, container: string): () => void {
  let stopped = false;
  const send = async () => {
    const { rows, columns } = context.stdout;
    if (!rows || !columns || stopped) return;
    await resizeContainer(client, container, rows, columns);
  };
  const settle = async () => {
    for (let attempt = 1; attempt <= attempts && !stopped; attempt++) {
      try {
        return await send();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 10 * attempt));
      }
    }
  };
  const changed = () => void send().catch(() => undefined);
  void settle();
  context.stdout.on('resize', changed);
  return () => {
    stopped = true;
    context.stdout.off('resize', changed);
  };
}
