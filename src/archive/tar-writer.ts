import type { TarEntry, TarType } from './tar-entry.ts';
import { BLOCK } from './tar-header.ts';

/** What a written entry is made of; all but the type and the name default to nothing, 0, or plain permissions. */
export type TarInput = Pick<TarEntry, 'type' | 'name'> &
  Partial<Omit<TarEntry, 'type' | 'name' | 'segments' | 'dataOffset' | 'dataSize' | 'headerOffset'>>;

/** The two blocks of zeros that end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

const typeFlags: Record<TarType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

/**
 * The header blocks of an entry, in ustar form with a PAX header before it for what ustar cannot hold (long names,
 * large numbers, fractions of seconds, extended attributes). The same entry always gives the same bytes. The body of
 * `size` bytes and its padding follow.
 */
export function encodeTarHeader(entry: TarInput): Buffer {
  const records = paxRecords(entry);
  const header = headerBlock(entry, typeFlags[entry.type], entry.size ?? 0);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const paxHeader = headerBlock({ type: 'file', name: 'PaxHeaders/entry' }, 'x', body.length);
  return Buffer.concat([paxHeader, body, tarPadding(body.length), header]);
}

/** Zeros from the end of a body of `size` bytes to the next block. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc(-size & (BLOCK - 1));
}

const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

function paxRecords(entry: TarInput): Buffer[] {
  const { name, linkName = '', uid = 0, gid = 0, size = 0, mtime = 0, mtimeNs = 0 } = entry;
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer) => records.push(paxRecord(key, value));
  if (name.length > 100) add('path', Buffer.from(name, 'latin1'));
  if (linkName.length > 100) add('linkpath', Buffer.from(linkName, 'latin1'));
  if (uid > MAX_OCTAL_7) add('uid', String(uid));
  if (gid > MAX_OCTAL_7) add('gid', String(gid));
  if (size > MAX_OCTAL_11) add('size', String(size));
  if (mtimeNs !== 0 || mtime < 0 || mtime > MAX_OCTAL_11) add('mtime', formatPaxTime(mtime, mtimeNs));
  if ((entry.userName?.length ?? 0) > 31) add('uname', entry.userName!);
  if ((entry.groupName?.length ?? 0) > 31) add('gname', entry.groupName!);
  const xattrs = [...(entry.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, value] of xattrs) add(`SCHILY.xattr.${key}`, value);
  return records;
}

/** The length in front counts its own digits too. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), Buffer.from(value as Buffer), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function formatPaxTime(seconds: number, nanoseconds: number): string {
  const negative = seconds < 0;
  const whole = negative && nanoseconds > 0 ? seconds + 1 : seconds;
  const fraction = negative && nanoseconds > 0 ? 1_000_000_000 - nanoseconds : nanoseconds;
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`;
  return `${negative ? '-' : ''}${Math.abs(whole)}${digits}`;
}

function headerBlock(entry: TarInput, flag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) => {
    const fits = value >= 0 && value < 8 ** digits;
    block.write(`${(fits ? value : 0).toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  };
  block.write(entry.name, 0, 100, 'latin1');
  octal(entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644), 100, 7);
  octal(entry.uid ?? 0, 108, 7);
  octal(entry.gid ?? 0, 116, 7);
  octal(size, 124, 11);
  octal(entry.mtime ?? 0, 136, 11);
  block.fill(' ', 148, 156);
  block.write(flag, 156, 'latin1');
  block.write(entry.linkName ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(entry.userName ?? '', 265, 31, 'latin1');
  block.write(entry.groupName ?? '', 297, 31, 'latin1');
  octal(entry.deviceMajor ?? 0, 329, 7);
  octal(entry.deviceMinor ?? 0, 337, 7);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
