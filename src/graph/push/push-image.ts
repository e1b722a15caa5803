import type { Image } from '#image/image.ts';
import { parseManifest } from '#image/manifest.ts';
import { type Digest, digestOf, shortId } from '#lib/digest.ts';
import { hasBlob, uploadBlob } from '#registry/blob-upload.ts';
import type { ManifestBytes } from '#registry/manifest-upload.ts';
import type { GraphState } from '../state.ts';
import { type PushedBlob, type PushTarget, pushLayer } from './push-layer.ts';
import { makeManifest, type OriginalManifest, reusableManifest } from './push-manifest.ts';

/** A manifest all of whose blobs are at the target. */
export interface PushedManifest extends ManifestBytes {
  digest: Digest;
}

/** Sees to it that the repository has all blobs of an image, and gives the manifest that is still to be put there. */
export async function pushImage(state: GraphState, target: PushTarget, image: Image): Promise<PushedManifest> {
  const { diffIds, id } = image;
  for (const diffId of diffIds) state.layers.pin(diffId);
  try {
    const originals = await originalManifests(state, image);
    const layers = await pushLayers(state, target, image, originals);
    const config = await state.content.read(id);
    await pushConfig(target, id, config);
    const reused = reusableManifest(originals, layers);
    const { mediaType, bytes } = reused ?? makeManifest({ digest: id, size: config.length }, layers);
    return { mediaType, bytes, digest: digestOf(bytes) };
  } finally {
    await state.layers.unpin(diffIds);
  }
}

/** The manifests that the image came with, the latest first. */
async function originalManifests(state: GraphState, image: Image): Promise<OriginalManifest[]> {
  const { manifests } = state.images.get(image.id)!;
  const read = manifests.toReversed().map(async ({ digest, mediaType }) => {
    const bytes = await state.content.read(digest);
    const parsed = parseManifest(bytes, `manifest ${digest}`);
    const isOwn = parsed.kind === 'manifest' && parsed.config.digest === image.id;
    return isOwn && parsed.layers.length === image.diffIds.length ? [{ mediaType, bytes, parsed }] : [];
  });
  return (await Promise.all(read)).flat();
}

/** All layers side by side, from the top down as Docker lists them. When one cannot be pushed, the others stop. */
async function pushLayers(
  state: GraphState,
  target: PushTarget,
  { diffIds }: Image,
  originals: readonly OriginalManifest[],
): Promise<PushedBlob[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([target.signal, failed.signal]);
  const pushed = new Map<Digest, Promise<PushedBlob>>();
  for (const [at, diffId] of [...diffIds.entries()].toReversed()) {
    if (pushed.has(diffId)) continue;
    target.emit({ status: 'Preparing', progressDetail: {}, id: shortId(diffId) });
    const own = originals.map(({ parsed }) => ({ ...parsed.layers[at]!, repositories: target.sources }));
    const repository = `${target.domain}/${target.repository}`;
    const work = () => pushLayer(state, { ...target, signal }, diffId, own);
    const pushing = state.pushes.run(repository, diffId, work, signal);
    pushing.catch((error: unknown) => failed.abort(error));
    pushed.set(diffId, pushing);
  }
  await Promise.allSettled(pushed.values());
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(diffIds.map((diffId) => pushed.get(diffId)!));
}

async function pushConfig(target: PushTarget, digest: Digest, config: Buffer): Promise<void> {
  if (await hasBlob(target, digest)) return;
  const source = {
    reached: async () => ({ length: config.length, complete: true }),
    async *read(start: number, end: number) {
      yield config.subarray(start, end);
    },
    digest: async () => digest,
  };
  await uploadBlob(target, source, { onProgress: () => {} });
}
