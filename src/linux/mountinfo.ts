import { readFile } from 'node:fs/promises';

/** One mount as proc_pid_mountinfo(5) describes it. */
export interface MountInfo {
  id: number;
  parentId: number;
  /** `major:minor` of the file system's device. */
  device: string;
  /** The folder of the file system that is the root of this mount. */
  root: string;
  mountPoint: string;
  /** Options of this mount: `rw`, `relatime`, ... */
  options: string[];
  /** `shared:N`, `master:N`, ...; empty for a private mount. */
  propagation: string[];
  fstype: string;
  source: string;
  /** Options of the file system, shared by all its mounts. */
  superOptions: string;
}

/** Mounts in the order they were made. Throws a RangeError for a line that is not of the kernel's form. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split('\n').filter(Boolean).map(parseLine);
}

/** The mounts that this process, or the one with the given pid, sees. */
export async function readMountInfo(pid: number | 'self' = 'self'): Promise<MountInfo[]> {
  return parseMountInfo(await readFile(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** The mount that holds `path`: of those with the longest matching mount point, the one made last. */
export function mountOf(table: readonly MountInfo[], path: string): MountInfo | undefined {
  let best: MountInfo | undefined;
  for (const mount of table) {
    const below = mount.mountPoint === '/' ? '/' : `${mount.mountPoint}/`;
    const holds = path === mount.mountPoint || path.startsWith(below);
    if (holds && mount.mountPoint.length >= (best?.mountPoint.length ?? 0)) best = mount;
  }
  return best;
}

function parseLine(line: string): MountInfo {
  const fields = line.split(' ');
  const separator = fields.indexOf('-', 6);
  if (separator === -1 || fields.length < separator + 4) throw new RangeError(`not a line of mountinfo: ${line}`);
  const [id, parentId, device, root, mountPoint, options] = fields as [string, string, string, string, string, string];
  const [fstype, source, superOptions] = fields.slice(separator + 1) as [string, string, string];
  return {
    id: Number(id),
    parentId: Number(parentId),
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: options.split(','),
    propagation: fields.slice(6, separator),
    fstype: unescapeOctal(fstype),
    source: unescapeOctal(source),
    superOptions,
  };
}

/** The kernel writes space, tab, newline, backslash and `#` as `\ooo`; what is not UTF-8 becomes U+FFFD. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
