/**
 * A tar writer of its own for comparisons with other readers: every form that programs have written, also those that ours
 * never writes, and values that do not belong together. Strings are latin1, one unit per byte.
 */

/** How what a plain header cannot hold is said. */
export type TarForm = 'pax' | 'gnu' | 'ustar' | 'star' | 'v7';
export type SparseForm = 'gnu' | '0.0' | '0.1' | '1.0';

export interface OddEntry {
  form: TarForm;
  /** The type flag's character. */
  flag: string;
  name: string;
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  /** Seconds, rounded down, and nanoseconds on top; these only in `pax`. */
  mtime: number;
  mtimeNs: number;
  body: Buffer;
  major: number;
  minor: number;
  /** Only in `pax`. */
  xattrs: readonly (readonly [name: string, value: Buffer])[];
  /** Makes `body` the data of these pieces, as long as they go. */
  sparse?: { form: SparseForm; pieces: readonly { offset: number; length: number }[]; size: number };
  /** A PAX `g` header comes first, with records that nobody may believe. */
  afterGlobal: boolean;
}

const BLOCK = 512;

/** The entries without end-of-archive blocks. */
export function encodeOddTar(entries: readonly OddEntry[]): Buffer {
  return Buffer.concat(entries.flatMap(encodeEntry));
}

/** Writes the sum of a header block's bytes into it. */
export function fixChecksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of block.subarray(0, BLOCK)) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

function encodeEntry(entry: OddEntry): Buffer[] {
  const blocks: Buffer[] = [];
  if (entry.afterGlobal) blocks.push(...extension('g', paxRecord('path', 'global'), paxRecord('mtime', '1')));
  const { sparse } = entry;
  const body = sparse ? sparseBody(entry, sparse) : entry.body;
  const records = entry.form === 'pax' ? paxRecords(entry) : [];
  if (sparse && sparse.form !== 'gnu') records.push(...sparseRecords(entry, sparse));
  if (records.length > 0) blocks.push(...extension('x', ...records));
  if (entry.form === 'gnu') {
    if (entry.name.length > 100) blocks.push(...extension('L', latin1(`${entry.name}\0`)));
    if (entry.linkName.length > 100) blocks.push(...extension('K', latin1(`${entry.linkName}\0`)));
  }
  blocks.push(...header(entry, body.length), body, padding(body.length));
  return blocks;
}

function header(entry: OddEntry, size: number): Buffer[] {
  const block = Buffer.alloc(BLOCK);
  const { form, sparse } = entry;
  const prefixed = form === 'ustar' || form === 'star' ? splitName(entry.name) : { prefix: '', name: entry.name };
  block.write(prefixed.name, 0, 100, 'latin1');
  number(block, entry, 100, 8, entry.mode);
  number(block, entry, 108, 8, entry.uid);
  number(block, entry, 116, 8, entry.gid);
  number(block, entry, 124, 12, size);
  number(block, entry, 136, 12, entry.mtime);
  block.write(sparse?.form === 'gnu' ? 'S' : entry.flag, 156, 'latin1');
  block.write(entry.linkName, 157, 100, 'latin1');
  if (form !== 'v7') {
    block.write(form === 'gnu' || sparse?.form === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1');
    number(block, entry, 329, 8, entry.major);
    number(block, entry, 337, 8, entry.minor);
    block.write(prefixed.prefix, 345, form === 'star' ? 131 : 155, 'latin1');
    if (form === 'star') block.write('tar\0', 508, 'latin1');
  }
  const extensions = sparse?.form === 'gnu' ? oldSparseMap(block, sparse) : [];
  fixChecksum(block);
  return [block, ...extensions];
}

/** In octal digits; in GNU's base-256 where they do not reach and the form has it. */
function number(block: Buffer, { form }: OddEntry, at: number, length: number, value: number): void {
  const digits = length - 1;
  if (value >= 0 && value < 8 ** digits) block.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  else if (form === 'gnu') {
    let rest = BigInt(value);
    for (let byte = at + length - 1; byte >= at; byte--, rest >>= 8n) block[byte] = Number(rest & 0xffn);
    block[at] = value < 0 ? 0xff : 0x80;
  } else block.write('0'.repeat(digits), at, 'latin1');
}

function splitName(full: string): { prefix: string; name: string } {
  const slash = full.length > 100 ? full.lastIndexOf('/', full.length - 2) : -1;
  return slash > 0 ? { prefix: full.slice(0, slash), name: full.slice(slash + 1) } : { prefix: '', name: full };
}

function paxRecords(entry: OddEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer) => records.push(paxRecord(key, value));
  if (entry.name.length > 100) add('path', entry.name);
  if (entry.linkName.length > 100) add('linkpath', entry.linkName);
  if (entry.uid < 0 || entry.uid > 0o7777777) add('uid', String(entry.uid));
  if (entry.gid < 0 || entry.gid > 0o7777777) add('gid', String(entry.gid));
  if (entry.mtimeNs !== 0 || entry.mtime < 0 || entry.mtime > 0o77777777777) add('mtime', paxTime(entry));
  for (const [name, value] of entry.xattrs) add(`SCHILY.xattr.${name}`, value);
  return records;
}

function paxTime({ mtime, mtimeNs }: OddEntry): string {
  const ns = BigInt(mtime) * 1_000_000_000n + BigInt(mtimeNs);
  const digits = String(ns < 0n ? -ns : ns).padStart(10, '0');
  return `${ns < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([latin1(` ${key}=`), typeof value === 'string' ? latin1(value) : value, latin1('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([latin1(String(length)), rest]);
}

function extension(flag: string, ...records: Buffer[]): Buffer[] {
  const body = Buffer.concat(records);
  const block = Buffer.alloc(BLOCK);
  const gnu = flag === 'L' || flag === 'K';
  block.write(gnu ? '././@LongLink' : 'PaxHeaders/entry', 0, 'latin1');
  for (const at of [100, 108, 116]) block.write('0000000\0', at, 'latin1');
  block.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  block.write(`${'0'.repeat(11)}\0`, 136, 'latin1');
  block.write(flag, 156, 'latin1');
  block.write(gnu ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1');
  fixChecksum(block);
  return [block, body, padding(body.length)];
}

type Sparse = NonNullable<OddEntry['sparse']>;

/** As many bytes as the pieces hold; with form 1.0 the map before them. */
function sparseBody({ body }: OddEntry, { form, pieces }: Sparse): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const data = Buffer.alloc(length, body.length > 0 ? body : 'x');
  if (form !== '1.0') return data;
  const map = latin1(
    [pieces.length, ...pieces.flatMap((piece) => [piece.offset, piece.length])].join('\n').concat('\n'),
  );
  return Buffer.concat([map, padding(map.length), data]);
}

function sparseRecords({ name }: OddEntry, { form, pieces, size }: Sparse): Buffer[] {
  const records: [string, string][] = [
    ['major', form[0]!],
    ['minor', form[2]!],
    [form === '1.0' ? 'realsize' : 'size', String(size)],
  ];
  if (form !== '0.0') records.push(['name', name]);
  if (form !== '1.0') records.push(['numblocks', String(pieces.length)]);
  if (form === '0.1') records.push(['map', pieces.flatMap(({ offset, length }) => [offset, length]).join(',')]);
  if (form === '0.0') {
    for (const { offset, length } of pieces) records.push(['offset', String(offset)], ['numbytes', String(length)]);
  }
  return records.map(([key, value]) => paxRecord(`GNU.sparse.${key}`, value));
}

/** The first four pieces go into the header, 21 into each block that follows. */
function oldSparseMap(block: Buffer, { pieces, size }: Sparse): Buffer[] {
  const octal = (to: Buffer, at: number, value: number) =>
    to.write(`${value.toString(8).padStart(11, '0')}\0`, at, 'latin1');
  const put = (to: Buffer, at: number, some: Sparse['pieces']) => {
    for (const [n, { offset, length }] of some.entries()) {
      octal(to, at + 24 * n, offset);
      octal(to, at + 24 * n + 12, length);
    }
  };
  put(block, 386, pieces.slice(0, 4));
  octal(block, 483, size);
  const blocks: Buffer[] = [];
  for (let done = 4; done < pieces.length; done += 21) {
    const more = Buffer.alloc(BLOCK);
    put(more, 0, pieces.slice(done, done + 21));
    (blocks.at(-1) ?? block)[blocks.length > 0 ? 504 : 482] = 1;
    blocks.push(more);
  }
  return blocks;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const padding = (size: number) => Buffer.alloc(-size & (BLOCK - 1));
