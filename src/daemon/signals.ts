import { constants } from 'node:os';
import { invalid } from '#errors/errors.ts';

const RTMIN = 34;
const RTMAX = 64;

/** The number of `9`, `KILL`, `SIGKILL`, `RTMIN+3`, ... Throws `invalid` in Docker's words. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= RTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = constants.signals[`SIG${name}` as NodeJS.Signals];
  if (known !== undefined) return known;
  const realtime = /^RT(MIN\+|MAX-)?(\d+)$|^RT(MIN|MAX)$/.exec(name);
  if (realtime) {
    const offset = Number(realtime[2] ?? 0);
    const number = name.startsWith('RTMAX') ? RTMAX - offset : RTMIN + offset;
    if (number >= RTMIN && number <= RTMAX) return number;
  }
  throw invalid(`Invalid signal: ${text}`, { hint: 'Signals are numbers from 1 to 64 or names such as SIGTERM.' });
}
