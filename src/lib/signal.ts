import { constants } from 'node:os';
import { invalid } from '#errors/errors.ts';

/** The first and the last signal number of Linux (signal(7)); the real-time ones run from RTMIN to RTMAX. */
const RTMIN = 34;
const RTMAX = 64;

/** What every machine calls otherwise than Node, or what Node does not list. */
const EXTRA: Readonly<Record<string, number>> = { CLD: 17, POLL: 29, UNUSED: 31, RTMIN, RTMAX };

/** The number of a signal given as `9`, `KILL`, `sigkill`, `SIGRTMIN+3`. Throws `invalid` in Docker's words. */
export function parseSignal(text: string): number {
  const number = signalNumber(text.trim());
  if (number === undefined) throw invalid(`invalid signal: ${text}`);
  return number;
}

function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= RTMAX ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^(RTMIN\+|RTMAX-)(\d{1,2})$/.exec(name);
  if (realTime) {
    const offset = Number(realTime[2]);
    const value = realTime[1] === 'RTMIN+' ? RTMIN + offset : RTMAX - offset;
    return value >= RTMIN && value <= RTMAX ? value : undefined;
  }
  const known: Readonly<Record<string, number>> = constants.signals;
  return EXTRA[name] ?? known[`SIG${name}`];
}

/** `SIGKILL` for 9; the digits for a real-time signal. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? String(number);
}
