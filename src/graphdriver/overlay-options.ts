import type { MountRequest } from '#linux/launcher-types.ts';

/**
 * The options of an overlay mount over `lowerDirs` (top first), writable if there is an upper directory.
 *
 * `redirect_dir=nofollow` and `metacopy=off`: extended attributes in a layer must not lead to other files (with
 * `redirect_dir=off` some kernels still follow). `index=off`: no file handles in the upper directory that would tie it
 * to these mounts. `xino=off`: inode numbers stay those of the layers, below 2^32, which 32-bit programs need.
 */
export function overlayOptions(
  lowerDirs: readonly string[],
  writable?: { upper: string; work: string },
): MountRequest['options'] {
  const upper: MountRequest['options'] = writable
    ? [
        ['upperdir', writable.upper],
        ['workdir', writable.work],
      ]
    : [];
  return [
    ['source', 'overlay'],
    ...lowerDirs.map((path): [string, string] => ['lowerdir+', path]),
    ...upper,
    ['redirect_dir', 'nofollow'],
    ['metacopy', 'off'],
    ['index', 'off'],
    ['xino', 'off'],
  ];
}
