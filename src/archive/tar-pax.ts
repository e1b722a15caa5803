import type { Refuse } from './tar-fields.ts';

/** What a PAX extended header (`x`) says about the next entry; absent = the header block decides. */
export interface PaxAttributes {
  path?: string;
  linkPath?: string;
  size?: number;
  uid?: number;
  gid?: number;
  userName?: string;
  groupName?: string;
  mtime?: PaxTime;
  xattrs?: Map<string, Buffer>;
  sparse?: PaxSparse;
}

/** `seconds` rounded down, so that -0.5 s is {-1, 500,000,000}. */
export interface PaxTime {
  seconds: number;
  nanoseconds: number;
}

/** The `GNU.sparse.*` keywords of all three versions (GNU tar manual, "Storing Sparse Files"). */
export interface PaxSparse {
  major?: string;
  minor?: string;
  name?: string;
  size?: number;
  /** Offsets and lengths in turn (0.0 and 0.1); version 1.0 keeps them in the body. */
  map?: number[];
}

const xattrPrefix = 'SCHILY.xattr.';

/**
 * Decodes the body of a PAX header: records `"%d %s=%s\n"` (POSIX.1-2017 `pax`, "pax Extended Header"). Unknown
 * keywords are ignored; an empty value means "as in the header block".
 */
export function readPax(body: Buffer, refuse: Refuse): PaxAttributes {
  const attributes: PaxAttributes = {};
  for (let at = 0; at < body.length; ) {
    const end = at + recordLength(body, at, refuse);
    const blank = body.indexOf(0x20, at);
    const equals = body.indexOf(0x3d, blank);
    if (equals <= blank + 1 || equals >= end || body[end - 1] !== 0x0a) throw refuse('a PAX record is malformed');
    apply(attributes, body.toString('latin1', blank + 1, equals), body.subarray(equals + 1, end - 1), refuse);
    at = end;
  }
  return attributes;
}

function recordLength(body: Buffer, at: number, refuse: Refuse): number {
  let length = 0;
  let digit = at;
  for (; digit < body.length && body[digit] !== 0x20; digit++) {
    const value = body[digit]! - 0x30;
    if (value < 0 || value > 9 || length > body.length) throw refuse('a PAX record has no length');
    length = length * 10 + value;
  }
  if (length < digit - at + 4 || at + length > body.length) throw refuse(`a PAX record has the wrong length ${length}`);
  return length;
}

function apply(attributes: PaxAttributes, key: string, value: Buffer, refuse: Refuse): void {
  if (key.startsWith(xattrPrefix)) {
    attributes.xattrs ??= new Map();
    attributes.xattrs.set(key.slice(xattrPrefix.length), Buffer.from(value));
    return;
  }
  const text = value.toString('latin1');
  if (text === '') return;
  if (key.startsWith('GNU.sparse.')) {
    applySparse(attributes, key.slice('GNU.sparse.'.length), text, refuse);
    return;
  }
  switch (key) {
    case 'path':
      attributes.path = plain(key, text, refuse);
      break;
    case 'linkpath':
      attributes.linkPath = plain(key, text, refuse);
      break;
    case 'uname':
      attributes.userName = plain(key, text, refuse);
      break;
    case 'gname':
      attributes.groupName = plain(key, text, refuse);
      break;
    case 'size':
      attributes.size = natural(key, text, refuse);
      break;
    case 'uid':
      attributes.uid = integer(key, text, refuse);
      break;
    case 'gid':
      attributes.gid = integer(key, text, refuse);
      break;
    case 'mtime':
      attributes.mtime = readPaxTime(text, refuse);
      break;
  }
}

function applySparse(attributes: PaxAttributes, key: string, text: string, refuse: Refuse): void {
  attributes.sparse ??= {};
  const sparse = attributes.sparse;
  switch (key) {
    case 'major':
      sparse.major = text;
      break;
    case 'minor':
      sparse.minor = text;
      break;
    case 'name':
      sparse.name = plain(`GNU.sparse.${key}`, text, refuse);
      break;
    case 'size':
    case 'realsize':
      sparse.size = natural(`GNU.sparse.${key}`, text, refuse);
      break;
    case 'offset':
    case 'numbytes': {
      sparse.map ??= [];
      if ((sparse.map.length % 2 === 0) !== (key === 'offset')) throw refuse('the sparse map is out of order');
      sparse.map.push(natural(`GNU.sparse.${key}`, text, refuse));
      break;
    }
    case 'map':
      sparse.map = text.split(',').map((number) => natural('GNU.sparse.map', number, refuse));
      break;
  }
}

/** `[-]seconds[.fraction]`; digits beyond nanoseconds are dropped. */
export function readPaxTime(text: string, refuse: Refuse): PaxTime {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  const whole = Number(match?.[2]);
  if (!match || !Number.isSafeInteger(whole)) throw refuse(`mtime: ${JSON.stringify(text)} is not a time`);
  const fraction = Number((match[3] ?? '').padEnd(9, '0').slice(0, 9));
  if (!match[1]) return { seconds: whole, nanoseconds: fraction };
  if (fraction === 0) return { seconds: 0 - whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

function plain(key: string, text: string, refuse: Refuse): string {
  if (text.includes('\0')) throw refuse(`${key}: a name with a NUL byte`);
  return text;
}

function integer(key: string, text: string, refuse: Refuse): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw refuse(`${key}: ${JSON.stringify(text.slice(0, 40))} is not a number that fits`);
  }
  return value;
}

function natural(key: string, text: string, refuse: Refuse): number {
  const value = integer(key, text, refuse);
  if (value < 0) throw refuse(`${key}: ${value} is negative`);
  return value;
}
