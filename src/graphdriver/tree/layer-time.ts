import type { TarEntry } from '#archive/tar-entry.ts';

export type LayerTime = Pick<TarEntry, 'mtime' | 'mtimeNs'>;

const SECOND = 1_000_000_000n;
/** The last moment that 63 bits of nanoseconds reach, in the year 2262. */
const LAST: LayerTime = { mtime: 9_223_372_036, mtimeNs: 854_775_807 };
/** The first second that ext4 keeps, in 1901. */
const FIRST_OF_EXT4 = -(2 ** 31);

/**
 * The time that a file of a layer gets: the entry's from 1970 to 2262, else 1970, as dockerd has it (moby
 * `pkg/archive`, boundTime). Directories on ext4 or XFS could not keep all others, so no two drivers would agree on them.
 */
export function fileTime({ mtime, mtimeNs }: LayerTime): LayerTime {
  const isLate = mtime > LAST.mtime || (mtime === LAST.mtime && mtimeNs > LAST.mtimeNs);
  return mtime < 0 || isLate ? { mtime: 0, mtimeNs: 0 } : { mtime, mtimeNs };
}

/**
 * The time that a symlink gets, which dockerd does not bound: its 64 bits of nanoseconds overflow, and ext4 keeps what
 * lies before 1901 as that.
 */
export function symlinkTime(time: LayerTime): LayerTime {
  const ns = BigInt.asIntN(64, BigInt(time.mtime) * SECOND + BigInt(time.mtimeNs));
  const mtimeNs = Number(((ns % SECOND) + SECOND) % SECOND);
  const mtime = Number((ns - BigInt(mtimeNs)) / SECOND);
  return mtime < FIRST_OF_EXT4 ? { mtime: FIRST_OF_EXT4, mtimeNs: 0 } : { mtime, mtimeNs };
}
