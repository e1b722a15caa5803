/** Images in a registry for tests of pull, as other tools push them: any media types, any compression, indexes. */
import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { TestRegistry } from './registry.ts';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
}

export interface RegistryImage {
  /** Layer tars, bottom first. */
  layers: Buffer[];
  /** How layers are stored (default gzip). */
  compression?: 'gzip' | 'zstd' | 'none';
  /** Docker's media types instead of OCI's. */
  docker?: boolean;
  config?: Record<string, unknown>;
  /** Further top-level fields of the config: `architecture`, `created`, ... */
  extra?: Record<string, unknown>;
}

export interface StoredImage extends Descriptor {
  /** The digest of its config. */
  id: string;
  layers: Descriptor[];
}

/** Stores an image; with `tag` also by that name. */
export async function putImage(
  registry: TestRegistry,
  repository: string,
  image: RegistryImage,
  tag?: string,
): Promise<StoredImage> {
  const { compression = 'gzip', docker = false } = image;
  const layers = await Promise.all(
    image.layers.map((tar) =>
      putBlob(registry, repository, compress(tar, compression), layerType(compression, docker)),
    ),
  );
  const config = {
    architecture: 'amd64',
    os: 'linux',
    created: '2024-01-02T03:04:05.678901234Z',
    config: image.config ?? {},
    rootfs: { type: 'layers', diff_ids: image.layers.map(digestOf) },
    history: layers.map((_, index) => ({ created: '2024-01-02T03:04:05Z', created_by: `layer ${index}` })),
    ...image.extra,
  };
  const configType = docker
    ? 'application/vnd.docker.container.image.v1+json'
    : 'application/vnd.oci.image.config.v1+json';
  const stored = await putBlob(registry, repository, Buffer.from(JSON.stringify(config)), configType);
  const mediaType = docker
    ? 'application/vnd.docker.distribution.manifest.v2+json'
    : 'application/vnd.oci.image.manifest.v1+json';
  const manifest = { schemaVersion: 2, mediaType, config: stored, layers };
  return { ...(await putManifest(registry, repository, manifest, tag)), id: stored.digest, layers };
}

/** Stores an index of images that are there already. */
export function putIndex(
  registry: TestRegistry,
  repository: string,
  manifests: Descriptor[],
  tag?: string,
): Promise<Descriptor> {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const entries = manifests.map(({ mediaType, digest, size, platform }) => ({ mediaType, digest, size, platform }));
  return putManifest(registry, repository, { schemaVersion: 2, mediaType, manifests: entries }, tag);
}

/** Stores any bytes as a manifest, under its digest or a tag. */
export async function putManifest(
  registry: TestRegistry,
  repository: string,
  manifest: { mediaType: string } & Record<string, unknown>,
  tag?: string,
): Promise<Descriptor> {
  const body = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(body);
  const headers = { 'Content-Type': manifest.mediaType };
  const { status, body: said } = await registry.ask('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, {
    headers,
    body,
  });
  if (status !== 201) throw new Error(`the registry refused a manifest: ${status} ${said}`);
  return { mediaType: manifest.mediaType, digest, size: body.length };
}

export async function putBlob(
  registry: TestRegistry,
  repository: string,
  body: Buffer,
  mediaType = 'application/octet-stream',
): Promise<Descriptor> {
  const digest = digestOf(body);
  const begun = await registry.ask('POST', `/v2/${repository}/blobs/uploads/`);
  const target = new URL(String(begun.headers.location), 'http://registry');
  target.searchParams.set('digest', digest);
  const headers = { 'Content-Type': 'application/octet-stream' };
  const { status, body: said } = await registry.ask('PUT', target.pathname + target.search, { headers, body });
  if (status !== 201) throw new Error(`the registry refused a blob: ${status} ${said}`);
  return { mediaType, digest, size: body.length };
}

function compress(tar: Buffer, compression: NonNullable<RegistryImage['compression']>): Buffer {
  if (compression === 'gzip') return gzipSync(tar);
  return compression === 'zstd' ? zstdCompressSync(tar) : tar;
}

function layerType(compression: NonNullable<RegistryImage['compression']>, docker: boolean): string {
  const suffix = compression === 'none' ? '' : compression;
  if (docker) return `application/vnd.docker.image.rootfs.diff.tar${suffix && `.${suffix}`}`;
  return `application/vnd.oci.image.layer.v1.tar${suffix && `+${suffix}`}`;
}

export const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
