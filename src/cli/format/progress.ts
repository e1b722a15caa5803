import type { Writable } from 'node:stream';
import type { ProgressMessage } from '#api/types/image.ts';
import { print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { humanSize } from './units.ts';

type Terminal = Writable & { isTTY?: boolean; columns?: number };

/**
 * Shows the messages of a load or pull: on a terminal one line for each layer, redrawn in place; elsewhere plain lines
 * without the bars. `onAux` gets what is meant for programs.
 *
 * @throws CommandError with the daemon's message when the stream ends in an error.
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  output: Terminal,
  onAux?: (aux: unknown) => void,
): Promise<void> {
  const rows = new Map<string, number>();
  for await (const message of messages) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new CommandError(failure, { exitCode: message.errorDetail?.code || 1 });
    if (message.aux !== undefined) onAux?.(message.aux);
    else await print(output, output.isTTY ? draw(message, rows, output.columns ?? 80) : plain(message));
  }
}

/** An output for progress that nobody sees; an error still ends it. */
export function silent(output: Terminal): Terminal {
  return Object.create(output, { write: { value: () => true }, isTTY: { value: false } });
}

function plain(message: ProgressMessage): string {
  if (message.stream !== undefined) return message.stream;
  if (message.status === undefined || message.progressDetail?.current || message.progress) return '';
  return `${message.id ? `${message.id}: ` : ''}${message.status}\n`;
}

/** Moves to the row of the message's id, writes it anew, and comes back. */
function draw(message: ProgressMessage, rows: Map<string, number>, columns: number): string {
  if (message.stream !== undefined) {
    rows.clear();
    return message.stream;
  }
  const text = [message.id ? `${message.id}: ` : '', message.status ?? '', ' ', bar(message, columns)]
    .join('')
    .trimEnd();
  if (!message.id) {
    rows.clear();
    return `${text}\n`;
  }
  const row = rows.get(message.id);
  if (row === undefined) {
    rows.set(message.id, rows.size);
    return `${text}\n`;
  }
  const up = rows.size - row;
  return `\x1b[${up}A\r\x1b[2K${text}\r\x1b[${up}B`;
}

/** `[=====>     ]  12.3MB/45.6MB`, or only the amount when the whole is not known. */
function bar(message: ProgressMessage, columns: number): string {
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  if (current <= 0 && total <= 0) return '';
  const done = humanSize(current);
  if (total <= 0) return done.padStart(8);
  const amount = `${done.padStart(8)}/${humanSize(total)}`;
  const width = Math.min(50, columns - 45);
  if (width < 10) return amount;
  const filled = Math.min(width, Math.floor((current / total) * width));
  const head = filled < width ? '>' : '';
  return `[${'='.repeat(filled)}${head}${' '.repeat(width - filled - head.length)}] ${amount}`;
}
