/** Writes small tar archives for tests: ustar headers, PAX records on request, nothing clever, always the same bytes. */
export interface TarEntry {
  name: string;
  type?: 'file' | 'dir' | 'symlink' | 'link' | 'char' | 'block' | 'fifo';
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds. */
  mtime?: number;
  body?: Buffer | string;
  linkName?: string;
  major?: number;
  minor?: number;
  /** Extended header records that precede the entry. */
  pax?: Record<string, string>;
}

const typeFlags = { file: '0', link: '1', symlink: '2', char: '3', block: '4', dir: '5', fifo: '6' } as const;

/** A whole tar in memory, end blocks included. */
export function makeTar(entries: TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(1024)]);
}

/** The header block(s) of an entry whose body of `size` bytes the caller writes itself, padded with `tarPadding`. */
export function tarHeader(entry: TarEntry, size: number): Buffer {
  const blocks: Buffer[] = [];
  const pax = { ...entry.pax };
  if (Buffer.byteLength(entry.name) > 100) pax.path = entry.name;
  if (Buffer.byteLength(entry.linkName ?? '') > 100) pax.linkpath = entry.linkName!;
  if (Object.keys(pax).length > 0) {
    const body = Buffer.concat(Object.entries(pax).map(([key, value]) => paxRecord(key, value)));
    blocks.push(headerBlock({ name: 'PaxHeaders/x' }, 'x', body.length), body, tarPadding(body.length));
  }
  blocks.push(headerBlock(entry, typeFlags[entry.type ?? 'file'], size));
  return Buffer.concat(blocks);
}

/** Zeros up to the next multiple of 512. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}

function entryBlocks(entry: TarEntry): Buffer[] {
  const body = Buffer.from(entry.body ?? '');
  return [tarHeader(entry, body.length), body, tarPadding(body.length)];
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function headerBlock(entry: TarEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, offset: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1');
  block.write(entry.name, 0, 100);
  octal(entry.mode ?? (entry.type === 'dir' ? 0o755 : 0o644), 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(size, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  block.write('        ', 148);
  block.write(flag, 156);
  block.write(entry.linkName ?? '', 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
