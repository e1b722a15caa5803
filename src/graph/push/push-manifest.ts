import { type Manifest, MEDIA_TYPES } from '#image/manifest.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import type { ManifestBytes } from '#registry/manifest-upload.ts';
import type { PushedBlob } from './push-layer.ts';

/** A manifest or an index by its name. */
export interface NamedManifest extends ManifestBytes {
  digest: Digest;
}

/** A manifest that an image came with, or was pushed with. */
export interface OriginalManifest extends NamedManifest {
  parsed: Manifest;
}

/** The first of the manifests whose blobs are those at the target. */
export function reusableManifest(
  originals: readonly OriginalManifest[],
  layers: readonly PushedBlob[],
): OriginalManifest | undefined {
  return originals.find(
    ({ parsed }) =>
      parsed.layers.length === layers.length && parsed.layers.every((layer, at) => layer.digest === layers[at]!.digest),
  );
}

/**
 * The manifest of an image: Docker's Image Manifest V2, Schema 2 with the line breaks that dockerd makes, so that the same
 * blobs give the same digest; OCI's where a layer is compressed by zstd, for which the other has no word.
 */
export function makeManifest(config: { digest: Digest; size: number }, layers: readonly PushedBlob[]): NamedManifest {
  const kinds = layers.map(({ mediaType }) => compressionOf(mediaType));
  const isOci = kinds.includes('zstd');
  const mediaType = isOci ? MEDIA_TYPES.ociManifest : MEDIA_TYPES.dockerManifest;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: isOci ? MEDIA_TYPES.ociConfig : MEDIA_TYPES.dockerConfig, ...sized(config) },
    layers: layers.map((layer, at) => ({ mediaType: layerType(kinds[at]!, isOci), ...sized(layer) })),
  };
  const bytes = Buffer.from(JSON.stringify(manifest, undefined, 3));
  return { mediaType, bytes, digest: digestOf(bytes) };
}

const sized = ({ digest, size }: { digest: Digest; size: number }) => ({ size, digest });

type Kind = 'gzip' | 'zstd' | 'none';

function compressionOf(mediaType: string): Kind {
  if (mediaType.endsWith('gzip')) return 'gzip';
  return mediaType.endsWith('zstd') ? 'zstd' : 'none';
}

function layerType(kind: Kind, isOci: boolean): string {
  if (isOci) return `application/vnd.oci.image.layer.v1.tar${kind === 'none' ? '' : `+${kind}`}`;
  return `application/vnd.docker.image.rootfs.diff.tar${kind === 'none' ? '' : `.${kind}`}`;
}
