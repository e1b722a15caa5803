import type { MountRequest } from '#linux/launcher-types.ts';

/**
 * The options of an overlay mount over `lowerDirs` (top first), writable if there is an upper directory.
 *
 * `redirect_dir=nofollow` and `metacopy=off`: extended attributes in a layer must not lead to other files (with
 * `redirect_dir=off` some kernels still follow). `index=off`: no file handles in the upper directory that would tie it
 * to these mounts. `xino=off`: inode numbers stay those of the layers, below 2^32; with `on`, stat(2) of every image file
 * fails in 32-bit programs (EOVERFLOW). The price: `du -x` in a container leaves out the image's files, whose st_dev is
 * the layer's.
 */
export function overlayOptions(
  lowerDirs: readonly string[],
  writable?: { upper: string; work: string },
): MountRequest['options'] {
  const upper: MountRequest['options'] = writable
    ? [
        ['upperdir', escaped(writable.upper)],
        ['workdir', escaped(writable.work)],
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

/** Overlayfs takes backslashes out of these two options, but not out of `lowerdir+`. */
function escaped(path: string): string {
  return path.replaceAll('\\', '\\\\');
}
