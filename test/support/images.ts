/** Image archives for tests, in each form that `docker load` accepts; the same input always gives the same bytes. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { makeTar, type TarEntry, tarHeader, tarPadding } from './tar.ts';

export interface TestImage {
  /** Layer tars, bottom first: bytes, or the path of a file. */
  layers: (Buffer | string)[];
  /** References, for example `busybox:latest`. */
  tags?: string[];
  /** What containers of the image get: `Cmd`, `Env`, `Labels`, ... */
  config?: Record<string, unknown>;
  /** Further top-level fields of the image config: `created`, `architecture`, `history`, ... */
  extra?: Record<string, unknown>;
}

/**
 * - `docker`: `manifest.json`, `<id>.json`, `<n>/layer.tar` (docker save before 25)
 * - `oci`: an OCI image layout without `manifest.json`
 * - `both`: an OCI image layout with a `manifest.json` (docker save from 25 on)
 */
export type ArchiveForm = 'docker' | 'oci' | 'both';

export interface ArchiveOptions {
  form?: ArchiveForm;
  /** Compresses each layer blob; only for layers in memory and the forms `oci` and `both`. */
  compressLayer?: (tar: Buffer) => Buffer;
  layerMediaType?: string;
}

interface Member {
  name: string;
  content: Buffer | string;
  size: number;
}

/** Writes an archive of `images` to `target` and gives the ids (config digests) of the images. */
export async function makeArchive(
  target: string,
  images: TestImage[],
  options: ArchiveOptions = {},
): Promise<string[]> {
  const { members, ids } = await archiveMembers(images, options);
  const file = await open(target, 'w');
  try {
    for (const member of members) {
      await file.write(tarHeader({ name: member.name }, member.size));
      if (Buffer.isBuffer(member.content)) await file.write(member.content);
      else
        for await (const chunk of createReadStream(member.content, { highWaterMark: 1 << 20 })) await file.write(chunk);
      await file.write(tarPadding(member.size));
    }
    await file.write(Buffer.alloc(1024));
  } finally {
    await file.close();
  }
  return ids;
}

/** Collects the members of an archive; the same content is stored once. */
class MemberList {
  readonly members = new Map<string, Member>();

  add(name: string, content: Buffer | string, size: number): void {
    this.members.set(name, { name, content, size });
  }

  /** Adds JSON under `name`, or as a blob under its digest. */
  addJson(name: string | undefined, value: unknown): { path: string; digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = sha256(bytes);
    const path = name ?? blobPath(digest);
    this.add(path, bytes, bytes.length);
    return { path, digest, size: bytes.length };
  }
}

async function archiveMembers(images: TestImage[], options: ArchiveOptions) {
  const form = options.form ?? 'both';
  const list = new MemberList();
  const dockerManifest: unknown[] = [];
  const indexEntries: unknown[] = [];
  const ids: string[] = [];
  for (const image of images) {
    const layers = await Promise.all(image.layers.map((layer) => describeLayer(layer, options.compressLayer)));
    const configJson = configOf(image, layers);
    const configName = form === 'docker' ? `${hexOf(sha256(Buffer.from(JSON.stringify(configJson))))}.json` : undefined;
    const config = list.addJson(configName, configJson);
    ids.push(config.digest);
    const layerPaths = layers.map((layer) => {
      const path = form === 'docker' ? `${hexOf(layer.diffId)}/layer.tar` : blobPath(layer.digest);
      list.add(path, layer.content, layer.size);
      return path;
    });
    dockerManifest.push({ Config: config.path, RepoTags: image.tags ?? null, Layers: layerPaths });
    if (form !== 'docker') indexEntries.push(...addManifest(list, image, config, layers, options));
  }
  if (form !== 'docker') {
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    list.addJson('index.json', { schemaVersion: 2, mediaType, manifests: indexEntries });
    list.addJson('oci-layout', { imageLayoutVersion: '1.0.0' });
  }
  if (form !== 'oci') list.addJson('manifest.json', dockerManifest);
  return { members: [...list.members.values()], ids };
}

type LayerDescription = Awaited<ReturnType<typeof describeLayer>>;

function configOf(image: TestImage, layers: LayerDescription[]) {
  return {
    architecture: 'amd64',
    os: 'linux',
    created: '2024-01-02T03:04:05.678901234Z',
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((_, index) => ({ created: '2024-01-02T03:04:05Z', created_by: `layer ${index}` })),
    ...image.extra,
  };
}

/** Adds the OCI manifest of an image and gives its entries for the index, one for each tag. */
function addManifest(
  list: MemberList,
  image: TestImage,
  config: { digest: string; size: number },
  layers: LayerDescription[],
  { layerMediaType = 'application/vnd.oci.image.layer.v1.tar' }: ArchiveOptions,
) {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const { digest, size } = list.addJson(undefined, {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: config.digest, size: config.size },
    layers: layers.map((layer) => ({ mediaType: layerMediaType, digest: layer.digest, size: layer.size })),
  });
  const tags = image.tags?.length ? image.tags : [undefined];
  return tags.map((tag) => ({
    mediaType,
    digest,
    size,
    ...(tag && { annotations: { 'io.containerd.image.name': `docker.io/library/${tag}` } }),
  }));
}

async function describeLayer(layer: Buffer | string, compress: ArchiveOptions['compressLayer']) {
  if (typeof layer === 'string') {
    const hash = createHash('sha256');
    await pipeline(createReadStream(layer, { highWaterMark: 1 << 20 }), hash);
    const diffId = `sha256:${hash.digest('hex')}`;
    return { content: layer, size: (await stat(layer)).size, diffId, digest: diffId };
  }
  const content = compress ? compress(layer) : layer;
  return { content, size: content.length, diffId: sha256(layer), digest: sha256(content) };
}

const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const hexOf = (digest: string) => digest.slice('sha256:'.length);
const blobPath = (digest: string) => `blobs/sha256/${hexOf(digest)}`;

const cacheFolder = '/var/cache/wherry-test';
const run = promisify(execFile);
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Path of an archive with `busybox:latest` (Debian's static busybox, every applet a hard link), Cmd `sh`. */
export function busyboxArchive(): Promise<string> {
  return cached('busybox-1.tar', async (target) => {
    await makeArchive(target, [
      { layers: [await busyboxLayer()], tags: ['busybox:latest'], config: { Env: [defaultPath], Cmd: ['sh'] } },
    ]);
  });
}

/** Path of an archive with `debian:trixie` (mmdebstrap, essential packages only), Cmd `bash`. Slow the first time. */
export function debianArchive(): Promise<string> {
  return cached('debian-1.tar', async (target) => {
    const layer = `${target}.layer`;
    try {
      await run('mmdebstrap', ['--variant=essential', '--format=tar', 'trixie', layer], {
        maxBuffer: 1 << 26,
        env: { ...process.env, SOURCE_DATE_EPOCH: '1700000000' },
      });
      await makeArchive(target, [
        { layers: [layer], tags: ['debian:trixie'], config: { Env: [defaultPath], Cmd: ['bash'] } },
      ]);
    } finally {
      await rm(layer, { force: true });
    }
  });
}

/** The layer of `busyboxArchive`. */
export async function busyboxLayer(): Promise<Buffer> {
  const { stdout } = await run('/usr/bin/busybox', ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  const folders = ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr', 'usr/sbin', 'var'];
  const entries: TarEntry[] = [
    ...folders.map((name): TarEntry => ({ name: `${name}/`, type: 'dir', mode: name === 'root' ? 0o700 : 0o755 })),
    { name: 'tmp/', type: 'dir', mode: 0o1777 },
    { name: 'bin/busybox', mode: 0o755, body: await readFile('/usr/bin/busybox') },
    ...applets.map((name): TarEntry => ({ name: `bin/${name}`, type: 'link', mode: 0o755, linkName: 'bin/busybox' })),
    {
      name: 'etc/passwd',
      body: 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/home:/bin/false\n',
    },
    { name: 'etc/group', body: 'root:x:0:\ntty:x:5:\naudio:x:29:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n' },
  ];
  return makeTar(entries);
}

/** A file under the cache folder, made once; two processes that make it at the same time do not disturb each other. */
async function cached(name: string, make: (target: string) => Promise<void>): Promise<string> {
  const path = `${cacheFolder}/${name}`;
  if (
    await access(path).then(
      () => true,
      () => false,
    )
  )
    return path;
  await mkdir(cacheFolder, { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return path;
}
