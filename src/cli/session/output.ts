import { demultiplex } from '#api/client/frames.ts';
import { type Context, print } from '../command.ts';

/**
 * Writes a container's output where it belongs until it ends: a raw stream (of a TTY) to standard output, a multiplexed
 * one to standard output and standard error.
 */
export async function copyOutput(
  body: AsyncIterable<Buffer>,
  context: Context,
  options: { raw: boolean },
): Promise<void> {
  if (options.raw) {
    for await (const bytes of body) await print(context.stdout, bytes);
  } else {
    for await (const { stream, bytes } of demultiplex(body)) await print(context[stream], bytes);
  }
}
