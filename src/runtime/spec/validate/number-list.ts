import { invalid } from '#errors/errors.ts';

/** CPUs beyond this number do not exist; it bounds the work that a list like `0-999999999` makes. */
const MAX_NUMBER = 8192;

/** The numbers of a list such as `0-3,8`; undefined when the text is not one. */
export function parseNumberList(text: string): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.split(',').filter((item) => item !== '')) {
    const range = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    if (!range) return undefined;
    const first = Number(range[1]);
    const last = Number(range[2] ?? range[1]);
    if (last < first || last > MAX_NUMBER) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}

export interface NumberListCheck {
  /** `cpuset cpus` or `cpuset mems`, for the message. */
  what: string;
  /** `CPUs` or `memory nodes`, for the message. */
  things: string;
  asked: string;
  /** The machine's; empty = unknown. */
  available: string;
}

/** Throws `invalid` in Docker's words when the list is no list or asks for what is not there. */
export function checkNumberList({ what, things, asked, available }: NumberListCheck): void {
  const wanted = parseNumberList(asked);
  if (!wanted) throw invalid(`Invalid value ${asked} for ${what}: invalid format: ${asked}`);
  const there = parseNumberList(available);
  if (!available || !there) return;
  if ([...wanted].some((number) => !there.has(number))) {
    throw invalid(`Requested ${things} are not available - requested ${asked}, available: ${available}`);
  }
}
