import { statfs } from 'node:fs/promises';

/** Docker's names for what statfs(2) calls by number (linux/magic.h). */
const filesystems: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  4076150800: 'f2fs',
};

/** The file system that `path` is on, as `/info` names it. */
export async function backingFilesystem(path: string): Promise<string> {
  const { type } = await statfs(path);
  return filesystems[type] ?? `0x${type.toString(16)}`;
}
