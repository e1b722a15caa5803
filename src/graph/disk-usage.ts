import type { ImageSummary } from '#api/types/image.ts';
import type { Digest } from '#lib/digest.ts';
import { listImages } from './list.ts';
import type { GraphState, ImageRecord } from './state.ts';

/** What images take on the disk, in bytes: their blobs, and what the driver has made of their layers. */
export interface GraphUsage {
  /** Everything, what is shared counted once; also layers that only containers still stand on. */
  layersSize: number;
  /** As listed, but `Size` and `SharedSize` are those on the disk. */
  images: ImageSummary[];
}

/** Layer tars are padded to whole blocks of a tar. */
const BLOCK = 512;

/** Bytes on the disk of each layer: its tar, what the driver has made of it, and the blobs as which it came, if they are kept. */
export async function layerDiskSizes(state: GraphState, diffIds: Iterable<Digest>): Promise<Map<Digest, number>> {
  const kept = await state.content.compressed.sizes();
  const sizes = [...new Set(diffIds)].map(async (diffId): Promise<[Digest, number]> => {
    const compressed = state.layers.sourcesOf(diffId).reduce((sum, digest) => sum + (kept.get(digest) ?? 0), 0);
    const tar = Math.ceil((state.layers.info(diffId)?.size ?? 0) / BLOCK) * BLOCK;
    return [diffId, tar + compressed + (await state.driver.layerSize(diffId))];
  });
  return new Map(await Promise.all(sizes));
}

/** Bytes of the image's config and of its manifests. */
export function metadataSize({ image, manifests }: ImageRecord): number {
  return manifests.reduce((sum, { size }) => sum + size, image.configSize);
}

/** See `GraphUsage`. */
export async function graphUsage(state: GraphState): Promise<GraphUsage> {
  const layers = await layerDiskSizes(state, state.layers.known());
  const sum = (diffIds: readonly Digest[]) => diffIds.reduce((total, diffId) => total + (layers.get(diffId) ?? 0), 0);
  const records = [...state.images.values()];
  const manifests = new Map(records.flatMap((record) => record.manifests.map(({ digest, size }) => [digest, size])));
  const configs = records.map(({ image }) => image.configSize);
  const layersSize = [...layers.values(), ...manifests.values(), ...configs].reduce((a, b) => a + b, 0);
  const images = listImages(state, {}).map((summary) => {
    const record = state.images.get(summary.Id as Digest)!;
    const diffIds = [...new Set(record.image.diffIds)];
    const shared = diffIds.filter((diffId) => state.layers.imagesOf(diffId) > 1);
    return { ...summary, Size: sum(diffIds) + metadataSize(record), SharedSize: sum(shared) };
  });
  return { layersSize, images };
}
