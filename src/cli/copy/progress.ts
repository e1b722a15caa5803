import type { Receivable } from '#lib/client-socket.ts';
import type { Context } from '../command.ts';
import { humanSize } from '../format/units.ts';

/** Milliseconds between two figures. */
const REDRAW = 75;

/** Bytes that pass, shown while they do on a terminal, and in the end. */
export interface CopyProgress {
  /** Somebody sees it while it goes on. */
  readonly live: boolean;
  /** So many bytes have passed. */
  add(bytes: number): void;
  /** So many have passed in all. */
  set(bytes: number): void;
  /** Counts what is read here, and what has come when the rest is lent. */
  count(content: Receivable): Receivable;
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
  const add = (more: number) => {
    bytes += more;
  };
  return {
    live,
    add,
    set(all) {
      bytes = all;
    },
    count: (content) => counted(content, add),
    end(target) {
      clearInterval(timer);
      if (live) stderr.write('\r\x1b[2K');
      if (!quiet && target !== undefined) stderr.write(`Successfully copied ${size()} to ${target}\n`);
    },
  };
}

function counted(content: Receivable, add: (bytes: number) => void): Receivable {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const piece of content) {
        add(piece.length);
        yield piece;
      }
    },
    descriptor: () => content.descriptor(),
    lend() {
      const lent = content.lend();
      for (const { length } of lent?.early ?? []) add(length);
      return lent;
    },
  };
}
