/** Arbitrary layers: tars as programs write them and as nobody should, from few names so that entries meet each other. */
import fc from 'fast-check';
import { encodeOddTar, fixChecksum, type OddEntry } from './odd-tar.ts';

const BLOCK = 512;

const plainName = fc.constantFrom(
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'long'.repeat(20),
  'x'.repeat(255),
  '\xff\xfe',
  '\xc3\xa9',
);
const oddName = fc.constantFrom(
  '.',
  '..',
  '',
  '...',
  'x'.repeat(256),
  ' ',
  '\n',
  '.wh.',
  '.wh..wh.plnk',
  '.wh..wh..opq',
);
const component = fc.oneof({ weight: 30, arbitrary: plainName }, { weight: 1, arbitrary: oddName });
const whiteout = fc.constantFrom('.wh.a', '.wh.b', '.wh.c', '.wh.d', '.wh..wh..opq');

const path = fc
  .tuple(
    fc.constantFrom('', '', '', '', './', '/', '../'),
    fc.array(component, { minLength: 1, maxLength: 4 }),
    fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: whiteout }),
  )
  .map(([start, names, mark]) => start + (mark ? [...names.slice(1), mark] : names).join('/'));

const time = fc.oneof(
  { weight: 6, arbitrary: fc.nat(2 ** 31 - 1) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 34), max: 2 ** 35 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      -1,
      1,
      2 ** 31,
      2 ** 32,
      9_223_372_036,
      9_223_372_037,
      15_032_385_535,
      15_032_385_536,
    ),
  },
);
const id = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, 1000, 65_534) },
  { weight: 1, arbitrary: fc.constantFrom(0o7777777, 0o10000000, 2 ** 31, 2 ** 32 - 2) },
);
const body = fc
  .tuple(fc.oneof(fc.constantFrom(0, 1, 511, 512, 513), fc.nat(3000)), fc.nat(255))
  .map(([size, byte]) => Buffer.alloc(size, byte));
const xattr = fc.tuple(
  fc.constantFrom('user.a', 'user.b', 'trusted.t', 'security.s', 'user.c'),
  fc.constantFrom('', 'value', 'v'.repeat(600)).map((text) => Buffer.from(text)),
);
/** Access control lists of users, groups and a mask; see linux/posix_acl_xattr.h. */
const acl = fc
  .tuple(
    fc.constantFrom('system.posix_acl_access', 'system.posix_acl_default'),
    fc.array(fc.nat(7), { minLength: 5, maxLength: 5 }),
    fc.boolean(),
  )
  .map(([name, [user, named, group, mask, other], small]) => {
    const entries = small
      ? [[1, user], [4, group], [32, other]]
      : [[1, user], [2, named, 1000], [4, group], [16, mask], [32, other]]; // biome-ignore format: a table
    const list = Buffer.alloc(4 + 8 * entries.length, 0xff);
    list.writeUInt32LE(2, 0);
    for (const [n, [tag, permissions, owner]] of entries.entries()) {
      list.writeUInt16LE(tag!, 4 + 8 * n);
      list.writeUInt16LE(permissions!, 6 + 8 * n);
      if (owner !== undefined) list.writeUInt32LE(owner, 8 + 8 * n);
    }
    return [name, list] as const;
  });
const sparse = fc
  .record({
    form: fc.constantFrom<NonNullable<OddEntry['sparse']>['form']>('gnu', '0.0', '0.1', '1.0'),
    gaps: fc.array(fc.tuple(fc.constantFrom(0, 1, 512, 4096, 5000), fc.constantFrom(1, 512, 700, 4096)), {
      maxLength: 30,
    }),
    tail: fc.constantFrom(0, 1, 512, 10_000),
  })
  .map(({ form, gaps, tail }) => {
    let end = 0;
    const pieces = gaps.map(([gap, length]) => {
      end += gap + length;
      return { offset: end - length, length };
    });
    return { form, pieces, size: end + tail };
  });

/** An entry whose link goes, if `backTo` says so, to one that came before it. */
interface Draft extends OddEntry {
  backTo: number | undefined;
}

const draft: fc.Arbitrary<Draft> = fc
  .record({
    form: fc.constantFrom<OddEntry['form']>('pax', 'pax', 'pax', 'gnu', 'gnu', 'ustar', 'star', 'v7'),
    flag: fc.constantFrom('0', '0', '0', '0', '5', '5', '5', '5', '2', '2', '1', '1', '3', '4', '6', '\0'),
    name: path,
    linkName: fc.oneof(path, fc.constantFrom('/', '/a', '../b', 'a/../..', 'nowhere', 'l'.repeat(300))),
    mode: fc.oneof(fc.constantFrom(0o644, 0o755), fc.integer({ min: 0, max: 0o7777 })),
    uid: id,
    gid: id,
    mtime: time,
    mtimeNs: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
    body,
    major: fc.constantFrom(0, 1, 259, 4095),
    minor: fc.constantFrom(0, 3, 255, 256, 70_000),
    xattrs: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.oneof(xattr, acl), { maxLength: 3 }) },
    ),
    sparse: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: sparse }),
    afterGlobal: fc.nat(60).map((n) => n === 60),
    backTo: fc.option(fc.nat(20), { nil: undefined, freq: 8 }),
  })
  .map((entry) => {
    const isFile = entry.flag === '0' || (entry.flag === '\0' && entry.form === 'v7');
    const own: OddEntry['xattrs'] = entry.xattrs;
    const xattrs = own.filter(([name]) => entry.flag === '5' || (isFile && !name.endsWith('_default')));
    const named = entry.flag === '5' && entry.form === 'v7' ? { flag: '\0', name: `${entry.name}/` } : {};
    return { ...entry, xattrs, ...named, ...(!isFile && { body: Buffer.alloc(0), sparse: undefined }) };
  });

/** Docker refuses a name that comes twice, a path through a file, a hard link to nothing: most layers here have none. */
const entries = fc.tuple(fc.array(draft, { maxLength: 14 }), fc.nat(9)).map(([drafts, careless]) => {
  const kinds = new Map<string, string>();
  const list: OddEntry[] = [];
  for (const { backTo, ...entry } of drafts) {
    const earlier = list[(backTo ?? 0) % Math.max(1, list.length)];
    const linked =
      earlier && backTo !== undefined && '12'.includes(entry.flag) ? { ...entry, linkName: earlier.name } : entry;
    const path = clean(entry.name);
    if (careless > 0 && !fits(linked, path, kinds)) continue;
    kinds.set(path, entry.flag);
    list.push(linked);
  }
  return list;
});

function fits({ flag, linkName, form }: OddEntry, path: string, kinds: ReadonlyMap<string, string>): boolean {
  if (kinds.has(path) || (flag === '1' && !'0\x0034'.includes(kinds.get(clean(linkName)) ?? '?'))) return false;
  if (flag === '2' && linkName === '') return false;
  const above = path.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/'));
  return form !== 'v7' || path.length <= 100 ? above.every((folder) => '52'.includes(kinds.get(folder) ?? '5')) : false;
}

const clean = (name: string) =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/** A well-formed tar, more or less: the end-of-archive blocks may be missing, or there may be many. */
export const anyLayer: fc.Arbitrary<Buffer> = fc
  .tuple(entries, fc.constantFrom(2, 2, 2, 0, 1, 20))
  .map(([list, end]) => Buffer.concat([encodeOddTar(list), Buffer.alloc(end * BLOCK)]));

const damage = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({
    kind: fc.constant('number' as const),
    at: fc.nat(),
    value: fc.constantFrom(0, 0x20, 0x30, 0x37, 0x80, 0xff),
  }),
  fc.record({ kind: fc.constant('flag' as const), at: fc.nat(), value: fc.constantFrom(...'01234567SxgLKVDA\0').map((flag) => flag.charCodeAt(0)) }), // biome-ignore format: a table
  fc.record({ kind: fc.constant('sum' as const), at: fc.nat(), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('copy' as const), at: fc.nat(), value: fc.nat() }),
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat(), value: fc.nat(1023) }),
);

/** The same, with some bytes changed (checksums made to fit), blocks copied over others, or its end cut off. */
export const damagedLayer: fc.Arbitrary<Buffer> = fc
  .tuple(anyLayer, fc.array(damage, { minLength: 1, maxLength: 3 }))
  .map(([tar, damages]) => damages.reduce(harm, tar));

function harm(tar: Buffer, { kind, at, value }: { kind: string; at: number; value: number }): Buffer {
  const blocks = Math.floor(tar.length / BLOCK);
  if (blocks === 0) return tar;
  const copy = Buffer.from(tar);
  const block = (at % blocks) * BLOCK;
  const header = copy.subarray(block, block + BLOCK);
  if (kind === 'byte') header[value % BLOCK] = at & 0xff;
  if (kind === 'number') header[100 + (at % 248)] = value;
  if (kind === 'flag') header[156] = value;
  if (kind === 'copy') tar.copy(copy, block, (value % blocks) * BLOCK, (value % blocks) * BLOCK + BLOCK);
  if (kind === 'cut') return copy.subarray(0, Math.max(0, block - value));
  if (kind === 'sum') header[148 + (at % 8)] = value;
  else if (kind !== 'copy') fixChecksum(header);
  return copy;
}
