import type { Writable } from 'node:stream';
import type { ProgressMessage } from '#api/types/image.ts';
import { print } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type Pace, shortDuration, TransferRates } from './transfer-rate.ts';
import { humanSize } from './units.ts';

type Terminal = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/**
 * Shows the messages of a load, pull or push: on a terminal one line for each layer, with rate and time left, redrawn in
 * place; elsewhere plain lines without the bars. `onAux` gets what is meant for programs.
 *
 * @throws CommandError with the daemon's message when the stream ends in an error.
 */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  output: Terminal,
  onAux?: (aux: unknown) => void,
  now: () => number = () => performance.now(),
): Promise<void> {
  const rows = new Map<string, number>();
  const rates = new TransferRates();
  for await (const message of messages) {
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new CommandError(failure, { exitCode: message.errorDetail?.code || 1 });
    if (message.aux !== undefined) onAux?.(message.aux);
    else if (!output.isTTY) await print(output, plain(message));
    else await print(output, draw(message, paceOf(message, rates, now()), rows, output));
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

function paceOf({ id, progressDetail }: ProgressMessage, rates: TransferRates, at: number): Pace | undefined {
  const { current, total } = progressDetail ?? {};
  return id && current !== undefined && total ? rates.note(id, { current, total }, at) : undefined;
}

/** Moves to the row of the message's id, writes it anew, and comes back; leaves a row alone that is out of sight. */
function draw(message: ProgressMessage, pace: Pace | undefined, rows: Map<string, number>, output: Terminal): string {
  const { columns = 80, rows: height = Number.POSITIVE_INFINITY } = output;
  if (message.stream !== undefined) {
    rows.clear();
    return message.stream;
  }
  const text = [message.id ? `${message.id}: ` : '', message.status ?? '', ' ', bar(message, pace, columns)]
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
  if (up >= height) return '';
  return `\x1b[${up}A\r\x1b[2K${text}\r\x1b[${up}B`;
}

/** `[=====>     ]  12.3MB/45.6MB  3.1MB/s  11s`, or only the amount when the whole is not known. */
function bar(message: ProgressMessage, pace: Pace | undefined, columns: number): string {
  const { current = 0, total = 0 } = message.progressDetail ?? {};
  if (current <= 0 && total <= 0) return '';
  const done = humanSize(current);
  if (total <= 0) return done.padStart(8);
  const amount = `${done.padStart(8)}/${humanSize(total)}`;
  const speed = pace
    ? `  ${humanSize(pace.rate)}/s${pace.left === undefined ? '' : `  ${shortDuration(pace.left)}`}`
    : '';
  const width = Math.min(50, columns - 65);
  if (width < 10) return amount;
  const filled = Math.min(width, Math.floor((current / total) * width));
  const head = filled < width ? '>' : '';
  return `[${'='.repeat(filled)}${head}${' '.repeat(width - filled - head.length)}] ${amount}${speed}`;
}
