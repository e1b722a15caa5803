import type { TmpfsOptions } from '#api/types/mount.ts';
import type { Int64 } from '#api/types/scalar.ts';
import { invalid } from '#errors/errors.ts';

/** What every tmpfs of a container has unless the request says otherwise. */
const DEFAULTS: readonly string[] = ['noexec', 'nosuid', 'nodev', 'rprivate'];

/** Flags that exclude each other: the last one given wins. */
const FLAG_GROUPS: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['exec', 'noexec'],
  ['sync', 'async'],
  ['dirsync'],
  ['mand', 'nomand'],
  ['atime', 'noatime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime'],
  ['diratime', 'nodiratime'],
  ['defaults'],
  ['bind', 'rbind'],
  ['remount'],
  ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave', 'unbindable', 'runbindable'],
];

/** tmpfs(5), without what only makes sense for the host. */
const VALUES: ReadonlySet<string> = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** The options of `--tmpfs /target:options` over the defaults. Throws `invalid` in Docker's words for an unknown one. */
export function mergeTmpfsOptions(text: string): string[] {
  const given = text === '' ? [] : text.split(',');
  const merged = new Map<unknown, string>();
  for (const option of [...DEFAULTS, ...given]) {
    const kind = kindOf(option);
    if (kind === undefined) throw invalid(`invalid tmpfs option ${JSON.stringify(option)}`);
    merged.delete(kind);
    merged.set(kind, option);
  }
  return [...merged.values()];
}

/** The options of a `--mount type=tmpfs`. */
export function tmpfsMountOptions(options: TmpfsOptions, readOnly: boolean): string[] {
  const given = [
    ...(readOnly ? ['ro'] : []),
    ...(options.Mode ? [`mode=${options.Mode.toString(8)}`] : []),
    ...(options.SizeBytes ? [`size=${sizeText(options.SizeBytes)}`] : []),
    ...(options.Options ?? []).map(([name, value]) => (value === undefined ? `${name}` : `${name}=${value}`)),
  ];
  return mergeTmpfsOptions(given.join(','));
}

/** What an option is about: its group of flags, or its name when it has a value. */
function kindOf(option: string): unknown {
  const equals = option.indexOf('=');
  if (equals < 0) return FLAG_GROUPS.find((flags) => flags.includes(option));
  const name = option.slice(0, equals);
  return VALUES.has(name) ? name : undefined;
}

/** In the largest unit that leaves no remainder. */
function sizeText(bytes: Int64): string {
  let size = BigInt(bytes);
  let unit = 0;
  while (size > 0n && size % 1024n === 0n && unit < 3) {
    size /= 1024n;
    unit++;
  }
  return `${size}${['', 'k', 'm', 'g'][unit]}`;
}
