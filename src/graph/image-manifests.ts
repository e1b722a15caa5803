import type { ManifestSummary, OciDescriptor } from '#api/types/image.ts';
import { type Descriptor, isAttestation, MEDIA_TYPES, parseManifest } from '#image/manifest.ts';
import { layerDiskSizes, metadataSize } from './disk-usage.ts';
import type { GraphState, ImageRecord, KeptManifest } from './state.ts';

const FOR = 'vnd.docker.reference.digest';
const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.ociIndex, MEDIA_TYPES.dockerIndex]);

export interface ImageManifests {
  /** What a reference to the image leads to at a registry: the index that it came with, else its manifest. */
  Descriptor?: OciDescriptor;
  /** All that the index names, whether it is here or not. */
  Manifests: ManifestSummary[];
}

/** The manifests that an image came with; none for one that was made here. Reads the index. */
export async function imageManifests(state: GraphState, record: ImageRecord): Promise<ImageManifests> {
  const index = record.manifests.find(isIndex);
  const target = index ?? record.manifests[0];
  const named = index ? await manifestsIn(state, index) : record.manifests;
  const summaries = named.map((descriptor) => {
    const isHere = record.manifests.some(({ digest }) => digest === descriptor.digest);
    return isHere ? summaryOf(state, record, descriptor) : remoteSummary(descriptor);
  });
  return { ...(target && { Descriptor: target }), Manifests: await Promise.all(summaries) };
}

function isIndex({ mediaType }: KeptManifest): boolean {
  return INDEX_TYPES.has(mediaType);
}

async function manifestsIn({ content }: GraphState, { digest }: KeptManifest): Promise<readonly Descriptor[]> {
  const index = parseManifest(await content.read(digest), `the index ${digest}`);
  return index.kind === 'index' ? index.manifests : [];
}

async function summaryOf(state: GraphState, record: ImageRecord, descriptor: Descriptor): Promise<ManifestSummary> {
  const { image } = record;
  const { architecture, os, variant } = image;
  const layers = [...new Set(image.diffIds)];
  const tars = layers.reduce((sum, diffId) => sum + (state.layers.info(diffId)?.size ?? 0), 0);
  const Content = metadataSize(record) + tars;
  const onDisk = await layerDiskSizes(state, layers);
  const Unpacked = [...onDisk.values()].reduce((sum, size) => sum + size, 0) - tars;
  return {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: layers.every((diffId) => state.layers.info(diffId)),
    Size: { Content, Total: Content + Unpacked },
    Kind: 'image',
    ImageData: {
      Platform: descriptor.platform ?? { architecture, os, ...(variant && { variant }) },
      Containers: state.users(image.id).map(({ containerId }) => containerId),
      Size: { Unpacked },
    },
  };
}

/** Of a manifest that stayed at the registry. */
function remoteSummary(descriptor: Descriptor): ManifestSummary {
  const about = {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: false,
    Size: { Content: 0, Total: 0 },
  };
  if (isAttestation(descriptor)) {
    return { ...about, Kind: 'attestation', AttestationData: { For: descriptor.annotations?.[FOR] ?? '' } };
  }
  const { platform } = descriptor;
  if (!platform) return { ...about, Kind: 'unknown' };
  return { ...about, Kind: 'image', ImageData: { Platform: platform, Containers: [], Size: { Unpacked: 0 } } };
}
