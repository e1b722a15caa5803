import type { Image } from '#image/image.ts';
import { parseManifest } from '#image/manifest.ts';
import { type Digest, shortId } from '#lib/digest.ts';
import { hasBlob, uploadBlob } from '#registry/blob-upload.ts';
import type { GraphState } from '../state.ts';
import { sourceOf } from './compressed-layer.ts';
import { type PushedBlob, type PushTarget, pushLayer } from './push-layer.ts';
import { makeManifest, type NamedManifest, type OriginalManifest, reusableManifest } from './push-manifest.ts';

/** Sees to it that the repository has all blobs of an image, and gives the manifest that is still to be put there. */
export async function pushImage(state: GraphState, target: PushTarget, image: Image): Promise<NamedManifest> {
  const { diffIds, id } = image;
  for (const diffId of diffIds) state.layers.pin(diffId);
  try {
    const originals = await originalManifests(state, image);
    const config = await state.content.read(id);
    const layers = await pushBlobs(state, target, image, { originals, config });
    return reusableManifest(originals, layers) ?? makeManifest({ digest: id, size: config.length }, layers);
  } finally {
    await state.layers.unpin(diffIds);
  }
}

/** The manifests that the image came with or was pushed with, the latest first. */
export async function originalManifests(state: GraphState, image: Image): Promise<OriginalManifest[]> {
  const { manifests } = state.images.get(image.id)!;
  const read = manifests.toReversed().map(async ({ digest, mediaType }) => {
    const bytes = await state.content.read(digest);
    const parsed = parseManifest(bytes, `manifest ${digest}`);
    const isOwn = parsed.kind === 'manifest' && parsed.config.digest === image.id;
    return isOwn && parsed.layers.length === image.diffIds.length ? [{ digest, mediaType, bytes, parsed }] : [];
  });
  return (await Promise.all(read)).flat();
}

/**
 * The config and all layers side by side, from the top down as Docker lists them. When one cannot be pushed, the others
 * stop. Gives the blobs of the layers.
 */
async function pushBlobs(
  state: GraphState,
  target: PushTarget,
  { id, diffIds }: Image,
  { originals, config }: { originals: readonly OriginalManifest[]; config: Buffer },
): Promise<PushedBlob[]> {
  const failed = new AbortController();
  const fail = (error: unknown) => failed.abort(error);
  const signal = AbortSignal.any([target.signal, failed.signal]);
  const pushed = new Map<Digest, Promise<PushedBlob>>();
  for (const [at, diffId] of [...diffIds.entries()].toReversed()) {
    if (pushed.has(diffId)) continue;
    target.emit({ status: 'Preparing', progressDetail: {}, id: shortId(diffId) });
    const own = originals.map(({ parsed }) => ({ ...parsed.layers[at]!, repositories: target.sources }));
    const repository = `${target.domain}/${target.repository}`;
    const work = () => pushLayer(state, { ...target, signal }, diffId, own);
    const pushing = state.pushes.run(repository, diffId, work, signal);
    pushing.catch(fail);
    pushed.set(diffId, pushing);
  }
  const pushingConfig = pushConfig({ ...target, signal }, id, config).catch(fail);
  await Promise.allSettled([...pushed.values(), pushingConfig]);
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(diffIds.map((diffId) => pushed.get(diffId)!));
}

async function pushConfig(target: PushTarget, digest: Digest, config: Buffer): Promise<void> {
  if (await hasBlob(target, digest)) return;
  await uploadBlob(target, sourceOf(config, digest), { onProgress: () => {} });
}
