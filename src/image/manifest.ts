import type { OciDescriptor, OciPlatform } from '#api/types/image.ts';
import { invalid } from '#errors/errors.ts';
import { type Digest, parseDigest } from '#lib/digest.ts';
import { parseJson } from './config.ts';
import * as shape from './shape.ts';

/** An entry of a manifest or an index: what the bytes of `digest` are. */
export type Descriptor = OciDescriptor & { digest: Digest };

/** One image (OCI Image Spec, manifest.md; Docker's Image Manifest V2, Schema 2, which has the same shape). */
export interface Manifest {
  kind: 'manifest';
  mediaType: string;
  config: Descriptor;
  /** Bottom first. */
  layers: readonly Descriptor[];
}

/** Several manifests, mostly one per platform (OCI Image Spec, image-index.md; Docker's manifest list). */
export interface Index {
  kind: 'index';
  mediaType: string;
  manifests: readonly Descriptor[];
}

export const MEDIA_TYPES = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const;

/** What may stand at a tag. Who asks for some of them only is shown something else by some registries. */
export const MANIFEST_TYPES: readonly string[] = [
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerIndex,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.ociManifest,
];

/** Configs that are an image's; anything else is an artifact (a chart, a signature, an attestation). */
const IMAGE_CONFIG_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.ociConfig, MEDIA_TYPES.dockerConfig]);

/**
 * Parses a manifest or an index, whichever the bytes are. Throws `invalid` (code `IMAGE_INVALID`) that says `where`
 * the bytes come from and what is wrong.
 */
export function parseManifest(bytes: Buffer, where: string): Manifest | Index {
  const root = shape.requiredObject(parseJson(bytes, where), where);
  if (root.schemaVersion !== 2) {
    throw invalid(`${where}: schema version ${String(root.schemaVersion)} is not supported, only 2 is`, {
      code: 'IMAGE_INVALID',
      hint: 'images of schema 1 have to be rebuilt or pulled and pushed again with a current tool',
    });
  }
  const mediaType = shape.optionalText(root.mediaType, `${where}: mediaType`);
  const list = (name: string) =>
    shape.optionalList(root[name], `${where}: ${name}`, (item, at) => parseDescriptor(item, at));
  const manifests = list('manifests');
  if (manifests) {
    if (root.layers !== undefined || root.config !== undefined) {
      throw invalid(`${where} claims to be both an index and a manifest`, { code: 'IMAGE_INVALID' });
    }
    return { kind: 'index', mediaType: mediaType ?? MEDIA_TYPES.ociIndex, manifests };
  }
  return {
    kind: 'manifest',
    mediaType: mediaType ?? MEDIA_TYPES.ociManifest,
    config: parseDescriptor(root.config, `${where}: config`),
    layers: list('layers') ?? [],
  };
}

export function isImageManifest(manifest: Manifest): boolean {
  return IMAGE_CONFIG_TYPES.has(manifest.config.mediaType);
}

/** True for what describes another manifest of the same index instead of being an image (build attestations). */
export function isAttestation({ annotations, platform }: Descriptor): boolean {
  return annotations?.['vnd.docker.reference.type'] !== undefined || platform?.os === 'unknown';
}

function parseDescriptor(value: unknown, where: string): Descriptor {
  const from = shape.requiredObject(value, where);
  const size = shape.optionalInteger(from.size, `${where}.size`);
  if (size === undefined || size < 0 || typeof size === 'bigint') {
    throw invalid(`${where}.size is no size in bytes`, { code: 'IMAGE_INVALID' });
  }
  const annotations = shape.optionalTextMap(from.annotations, `${where}.annotations`);
  const platform = parsePlatform(from.platform, `${where}.platform`);
  return {
    mediaType: shape.optionalText(from.mediaType, `${where}.mediaType`) ?? '',
    digest: parseDigest(from.digest, `${where}.digest`),
    size,
    ...(annotations && { annotations }),
    ...(platform && { platform }),
  };
}

function parsePlatform(value: unknown, where: string): OciPlatform | undefined {
  const from = shape.optionalObject(value, where);
  if (!from) return undefined;
  const text = (name: string) => shape.optionalText(from[name], `${where}.${name}`);
  const variant = text('variant');
  const osVersion = text('os.version');
  return {
    architecture: text('architecture') ?? '',
    os: text('os') ?? '',
    ...(variant && { variant }),
    ...(osVersion && { 'os.version': osVersion }),
  };
}
