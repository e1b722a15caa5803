/** How fast something goes on, and when it will be done. */
export interface Pace {
  /** Bytes per second. */
  rate: number;
  /** Seconds until the end, undefined when that is not known. */
  left: number | undefined;
}

interface Sample {
  at: number;
  current: number;
}

/** ms that are looked back on: long enough for a steady figure, short enough to follow the network. */
const WINDOW = 5000;
/** ms before there is a figure at all. */
const FIRST = 500;

/** Measures what of several transfers is done, by name. */
export class TransferRates {
  readonly #samples = new Map<string, Sample[]>();

  /** Takes note of bytes done at a time (ms), and gives the pace; undefined until there is one. */
  note(name: string, { current, total }: { current: number; total: number }, at: number): Pace | undefined {
    let samples = this.#samples.get(name) ?? [];
    // Less than before is another transfer: the next step of the same layer, or one that began anew.
    if (samples.length > 0 && samples.at(-1)!.current > current) samples = [];
    samples.push({ at, current });
    while (samples.length > 2 && samples[1]!.at < at - WINDOW) samples.shift();
    this.#samples.set(name, samples);
    const first = samples[0]!;
    if (at - first.at < FIRST) return undefined;
    const rate = ((current - first.current) * 1000) / (at - first.at);
    return { rate, left: rate > 0 && total > current ? (total - current) / rate : undefined };
  }
}

/** `7s`, `3m12s`, `2h05m` */
export function shortDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
