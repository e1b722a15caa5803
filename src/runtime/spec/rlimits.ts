import type { Ulimit } from '#api/types/host-config.ts';
import type { Int64 } from '#api/types/scalar.ts';
import type { OciRlimit } from './oci.ts';

/** The names that `--ulimit` takes. Source: the kernel's include/uapi/asm-generic/resource.h. */
export const ULIMIT_NAMES: ReadonlySet<string> = new Set([
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

/** RLIM_INFINITY */
const INFINITY = 2n ** 64n - 1n;

/** `--ulimit` as resource limits; -1 means without a limit. */
export function processRlimits(ulimits: readonly Ulimit[]): OciRlimit[] {
  return ulimits.map(({ Name, Hard, Soft }) => ({
    type: `RLIMIT_${Name.toUpperCase()}`,
    hard: limit(Hard),
    soft: limit(Soft),
  }));
}

/** The container's own ulimits, then those defaults of the engine whose names it does not set. */
export function mergeUlimits(own: readonly Ulimit[] | null, defaults: readonly Ulimit[]): Ulimit[] {
  const names = new Set((own ?? []).map((ulimit) => ulimit.Name));
  return [...(own ?? []), ...defaults.filter((ulimit) => !names.has(ulimit.Name))];
}

function limit(value: Int64): Int64 {
  return BigInt(value) < 0n ? INFINITY : value;
}
