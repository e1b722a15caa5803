import type { Context } from '../command.ts';
import { humanSize } from '../format/units.ts';

/** Milliseconds between two figures. */
const REDRAW = 75;

/** Bytes that pass, shown while they do on a terminal, and in the end. */
export interface CopyProgress {
  count(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** What was shown goes; when all is well, `target` tells where the bytes went. */
  end(target?: string): void;
}

/** `quiet` = nothing is said. */
export function copyProgress(
  { stderr }: Pick<Context, 'stderr'>,
  { heading, quiet }: { heading: string; quiet: boolean },
): CopyProgress {
  let bytes = 0;
  const size = () => humanSize(bytes, 3);
  const live = !quiet && stderr.isTTY === true;
  const draw = () => stderr.write(`\r\x1b[2K${heading}${size()}`);
  const timer = live ? setInterval(draw, REDRAW) : undefined;
  if (live) draw();
  return {
    async *count(content) {
      for await (const piece of content) {
        bytes += piece.length;
        yield piece;
      }
    },
    end(target) {
      clearInterval(timer);
      if (live) stderr.write('\r\x1b[2K');
      if (!quiet && target !== undefined) stderr.write(`Successfully copied ${size()} to ${target}\n`);
    },
  };
}
