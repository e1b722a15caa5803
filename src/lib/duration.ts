const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const DURATION = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Nanoseconds of a Go duration (`1h30m`, `-1.5s`, `300ms`, `0`), undefined for any other text. */
export function parseDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  const match = DURATION.exec(text);
  if (!match) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit] of match[2]!.matchAll(/(\d*)(?:\.(\d*))?([a-zµμ]+)/g)) {
    const scale = UNIT_NS[unit!]!;
    total += BigInt(whole || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return match[1] === '-' ? -total : total;
}

/** Nanoseconds as Go writes a duration: `1h0m5.5s`, `1.5ms`, `0s`. */
export function formatDuration(ns: bigint): string {
  if (ns < 0n) return `-${formatDuration(-ns)}`;
  if (ns === 0n) return '0s';
  const second = UNIT_NS.s!;
  for (const unit of ['ns', 'µs', 'ms'] as const) {
    const scale = UNIT_NS[unit]!;
    if (ns < scale * 1000n) return `${decimal(ns, scale)}${unit}`;
  }
  const [hours, minutes] = [ns / UNIT_NS.h!, (ns % UNIT_NS.h!) / UNIT_NS.m!];
  const head = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : '';
  return `${head}${decimal(ns % UNIT_NS.m!, second)}s`;
}

function decimal(ns: bigint, scale: bigint): string {
  const digits = String(scale).length - 1;
  const fraction =
    digits > 0
      ? String(ns % scale)
          .padStart(digits, '0')
          .replace(/0+$/, '')
      : '';
  return fraction ? `${ns / scale}.${fraction}` : `${ns / scale}`;
}
