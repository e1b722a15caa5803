import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { isEngineError } from '#errors/errors.ts';
import type { Graph } from '#graph/graph.ts';
import { digestOf, hexOf } from '#lib/digest.ts';
import { assertNothingStored, assertWhole, openGraphAt } from '#test/support/graph.ts';
import { makeMemoryDisk } from '#test/support/memory-disk.ts';
import { makeTar, type TarEntry } from '#test/support/tar.ts';
import { fuzzTarget, oneFile } from '../target.ts';

const layers = [[{ name: 'a', body: 'a' }], [{ name: 'b', body: 'b' }, { name: '.wh.a' }], []].map(makeTar);
const badLayer = Buffer.alloc(1500, 'no tar');

interface Recipe {
  /** Which of `layers` each image has. */
  images: number[][];
  form: ('docker' | 'oci' | 'v1')[];
  packed: 'plain' | 'gzip' | 'zstd';
  tags: string[];
  /** Members that are left out, moved, linked or spoilt, by number. */
  changes: { kind: 'drop' | 'symlink' | 'link' | 'spoil' | 'twice' | 'last' | 'text'; at: number; value: number }[];
  whole: 'plain' | 'gzip';
}

const tag = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('a:1', 'b:2', 'host.example/c:x') },
  { weight: 1, arbitrary: fc.constantFrom('b', 'UPPER:bad', 'a@sha256:bad', '') },
);

const recipe: fc.Arbitrary<Recipe> = fc.record({
  images: fc.array(fc.array(fc.nat(layers.length - 1), { maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  form: fc.uniqueArray(fc.constantFrom<Recipe['form'][number]>('docker', 'oci', 'v1'), { minLength: 1 }),
  packed: fc.constantFrom<Recipe['packed']>('plain', 'gzip', 'zstd'),
  tags: fc.array(tag, { maxLength: 3 }),
  changes: fc.array(
    fc.record({
      kind: fc.constantFrom<Recipe['changes'][number]['kind']>(
        'drop',
        'symlink',
        'link',
        'spoil',
        'twice',
        'last',
        'text',
      ),
      at: fc.nat(30),
      value: fc.nat(),
    }),
    { maxLength: 3 },
  ),
  whole: fc.constantFrom<Recipe['whole']>('plain', 'gzip'),
});

/** Archives as docker, skopeo and their forefathers write them, and spoilt ones. */
export const imageArchives = fuzzTarget<Buffer>({
  name: 'image-archives',
  quick: 100,
  async open() {
    const disk = await makeMemoryDisk('fuzz-archives');
    const test = await openGraphAt(disk.path);
    return {
      input: recipe.map(cook),
      async check(archive) {
        const path = join(disk.path, 'archive.tar');
        await writeFile(path, archive);
        await test.load(path).catch((error) => {
          if (!isEngineError(error, 'invalid')) throw error;
        });
        await assertWhole(test);
        while (test.graph.size > 0) await removeHeads(test.graph);
        await assertNothingStored(test);
      },
      files: oneFile,
      async close() {
        await test.close();
        if ((await readdir(disk.path)).includes('quarantine')) throw new Error('something was put aside');
        await disk.close();
      },
    };
  },
});

/** Images of the first specification stand on each other. */
async function removeHeads(graph: Graph): Promise<void> {
  const heads = [...graph].filter(({ id }) => graph.childrenOf(id).size === 0);
  for (const { id } of heads) await graph.remove(id, { force: true, noprune: true });
}

function cook({ images, form, packed, tags, changes, whole }: Recipe): Buffer {
  const members: TarEntry[] = [];
  const add = (name: string, body: Buffer | object) =>
    members.push({ name, body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)) });
  const blob = (bytes: Buffer) => {
    const name = `blobs/sha256/${hexOf(digestOf(bytes))}`;
    if (!members.some((member) => member.name === name)) add(name, bytes);
    return { name, digest: digestOf(bytes), size: bytes.length };
  };
  const items = images.map((chain) => describeImage(chain, packed, tags, blob));
  if (form.includes('oci')) {
    add('oci-layout', { imageLayoutVersion: '1.0.0' });
    add('index.json', { schemaVersion: 2, manifests: items.map(({ descriptor }) => descriptor) });
  }
  if (form.includes('docker'))
    add(
      'manifest.json',
      items.map(({ item }) => item),
    );
  if (form.includes('v1')) addV1(images[0]!, add);
  for (const change of changes) apply(members, change);
  const tar = makeTar(members);
  return whole === 'gzip' ? gzipSync(tar) : tar;
}

function describeImage(
  chain: number[],
  packed: Recipe['packed'],
  tags: string[],
  blob: (bytes: Buffer) => { name: string; digest: string; size: number },
) {
  const pack = { plain: (bytes: Buffer) => bytes, gzip: gzipSync, zstd: zstdCompressSync }[packed];
  const blobs = chain.map((n) => blob(pack(layers[n]!)));
  const rootfs = { type: 'layers', diff_ids: chain.map((n) => digestOf(layers[n]!)) };
  const config = blob(Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs })));
  const type = 'application/vnd.oci.image';
  const ending = { plain: '', gzip: '+gzip', zstd: '+zstd' }[packed];
  const manifest = {
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: { mediaType: `${type}.config.v1+json`, digest: config.digest, size: config.size },
    layers: blobs.map(({ digest, size }) => ({ mediaType: `${type}.layer.v1.tar${ending}`, digest, size })),
  };
  const { digest, size } = blob(Buffer.from(JSON.stringify(manifest)));
  const annotations = tags[0] ? { 'org.opencontainers.image.ref.name': tags[0] } : {};
  return {
    item: { Config: config.name, RepoTags: tags, Layers: blobs.map(({ name }) => name) },
    descriptor: { mediaType: manifest.mediaType, digest, size, annotations },
  };
}

/** A chain of images of one layer each, as `docker save` wrote them before 1.10. */
function addV1(chain: number[], add: (name: string, body: Buffer | object) => void): void {
  let parent = '';
  for (const [n, layer] of chain.entries()) {
    const id = hexOf(digestOf(Buffer.from(`${n} ${parent}`)));
    add(`${id}/json`, { id, ...(parent && { parent }), created: '2014-01-02T03:04:05Z', os: 'linux' });
    add(`${id}/VERSION`, Buffer.from('1.0'));
    add(`${id}/layer.tar`, layers[layer]!);
    parent = id;
  }
  add('repositories', { old: { latest: parent } });
}

function apply(members: TarEntry[], { kind, at, value }: Recipe['changes'][number]): void {
  if (members.length === 0) return;
  const position = at % members.length;
  const member = members[position]!;
  const other = members[value % members.length]!;
  const body = Buffer.from(member.body ?? '');
  if (kind === 'drop') members.splice(position, 1);
  if (kind === 'twice') members.push({ ...member, body: value % 2 ? body : badLayer });
  if (kind === 'last') members.push(...members.splice(position, 1));
  if (kind === 'symlink') members[position] = { name: member.name, type: 'symlink', linkName: `/${other.name}` };
  if (kind === 'link') members[position] = { name: member.name, type: 'link', linkName: other.name };
  if (kind === 'spoil' && body.length > 0) {
    body[value % body.length]! ^= 1 + (value % 255);
    members[position] = { ...member, body };
  }
  if (kind === 'text') {
    const text = body
      .toString('latin1')
      .replace(/sha256|linux|layers|null|1\.0|amd64/, ['', '../../x', '{}', '\0'][value % 4]!);
    members[position] = { ...member, body: Buffer.from(text, 'latin1') };
  }
}
