import type { Descriptor } from '#image/manifest.ts';
import { MEDIA_TYPES } from '#image/manifest.ts';
import { type Digest, digestOf, hexOf } from '#lib/digest.ts';
import { familiarName, familiarReference, formatReference, type Reference } from '#lib/reference.ts';

/** An image as it goes into an archive. */
export interface SavedImage {
  id: Digest;
  config: Buffer;
  /** Bottom first. */
  layers: readonly SavedLayer[];
  /** Tags to load it under again. */
  references: readonly Reference[];
}

export interface SavedLayer {
  diffId: Digest;
  /** True length of its tar in bytes. */
  size: number;
}

/** A file of an archive: bytes at hand, or a layer's tar. */
export type SavedFile = { path: string; bytes: Buffer } | { path: string; layer: SavedLayer };

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/**
 * The files of an archive in the form of docker save from 25 on: an OCI image layout that has a `manifest.json` and
 * `repositories` for older readers. Sorted by path; what images share is there once; the same images give the same bytes.
 */
export function archiveFiles(images: readonly SavedImage[]): SavedFile[] {
  const files = new Map<string, SavedFile>();
  const add = (path: string, content: { bytes: Buffer } | { layer: SavedLayer }) =>
    files.set(path, { path, ...content });
  const manifests = images.map(manifestOf);
  for (const [at, { id, config, layers }] of images.entries()) {
    add(blobPath(id), { bytes: config });
    add(blobPath(digestOf(manifests[at]!)), { bytes: manifests[at]! });
    for (const layer of layers) add(blobPath(layer.diffId), { layer });
  }
  add('index.json', { bytes: toJson(indexOf(images, manifests)) });
  add('manifest.json', { bytes: toJson(images.map(dockerEntry)) });
  add('oci-layout', { bytes: toJson({ imageLayoutVersion: '1.0.0' }) });
  add('repositories', { bytes: toJson(repositoriesOf(images)) });
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function manifestOf({ id, config, layers }: SavedImage): Buffer {
  return toJson({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { mediaType: MEDIA_TYPES.ociConfig, digest: id, size: config.length },
    layers: layers.map(layerDescriptor),
  });
}

function indexOf(images: readonly SavedImage[], manifests: readonly Buffer[]): object {
  const entries = images.flatMap(({ references }, at): Descriptor[] => {
    const bytes = manifests[at]!;
    const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(bytes), size: bytes.length };
    if (references.length === 0) return [descriptor];
    return references.map((reference) => ({ ...descriptor, annotations: nameAnnotations(reference) }));
  });
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries };
}

/** containerd reads the whole name, others the tag alone. */
function nameAnnotations(reference: Reference): Record<string, string> {
  return {
    'io.containerd.image.name': formatReference(reference),
    'org.opencontainers.image.ref.name': reference.tag!,
  };
}

function dockerEntry({ id, layers, references }: SavedImage): object {
  return {
    Config: blobPath(id),
    RepoTags: references.length > 0 ? references.map(familiarReference) : null,
    Layers: layers.map(({ diffId }) => blobPath(diffId)),
    LayerSources: Object.fromEntries(layers.map((layer) => [layer.diffId, layerDescriptor(layer)])),
  };
}

/** Repository -> tag -> the topmost layer, for readers that know nothing newer. */
function repositoriesOf(images: readonly SavedImage[]): object {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { layers, references } of images) {
    const top = layers.at(-1);
    if (!top) continue;
    for (const reference of references) {
      const name = familiarName(reference);
      repositories[name] = { ...repositories[name], [reference.tag!]: hexOf(top.diffId) };
    }
  }
  return repositories;
}

const layerDescriptor = ({ diffId, size }: SavedLayer): Descriptor => ({ mediaType: LAYER_TYPE, digest: diffId, size });
const blobPath = (digest: Digest) => `blobs/sha256/${hexOf(digest)}`;
const toJson = (value: unknown) => Buffer.from(JSON.stringify(value));
