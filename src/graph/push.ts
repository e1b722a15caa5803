import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import type { CompressRequest } from '#archive/compress-file.ts';
import { cancelled, notFound } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { parseManifest } from '#image/manifest.ts';
import { formatPlatform, platformMatches } from '#image/platform.ts';
import { type Digest, digestOf, shortId } from '#lib/digest.ts';
import { familiarName, familiarReference, type Reference, repositoryOf } from '#lib/reference.ts';
import { hasBlob, uploadBlob } from '#registry/blob-upload.ts';
import { putManifest } from '#registry/manifest-upload.ts';
import type { Session } from '#registry/session.ts';
import { type PushedBlob, type PushTarget, pushLayer } from './push-layer.ts';
import { makeManifest, type OriginalManifest, reusableManifest } from './push-manifest.ts';
import { rememberPush } from './push-record.ts';
import type { GraphState } from './state.ts';

export interface PushRequest {
  /** With a tag: that one. Without: all tags of the repository. It has no digest. */
  reference: Reference;
  /** Refuse an image of another platform. */
  platform?: OciPlatform;
  compression?: CompressRequest['compression'];
  session: Session;
}

type Emit = (message: ProgressMessage) => void;

/**
 * Pushes one image of a repository, or all that have a tag there. What the registry has is not sent, what it has elsewhere
 * is mounted, the rest is compressed while it is sent. An image that came from a registry and whose blobs are all there
 * keeps its manifest, byte for byte. Progress goes to `emit`, in Docker's words. Throws `not-found` for what is not here,
 * as `Session.request` does, and `cancelled` when `signal` fires.
 */
export async function pushImages(
  state: GraphState,
  { reference, platform, compression = 'gzip', session }: PushRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const repository = repositoryOf(reference);
  emit({ status: `The push refers to repository [${repository}]` });
  const { domain, path } = reference;
  for (const { tagged, image } of imagesToPush(state, reference)) {
    refuseOtherPlatform(image, tagged, platform);
    const target = { session, domain, repository: path, compression, emit, signal };
    try {
      await pushImage(state, target, tagged, image);
    } catch (error) {
      throw signal.aborted ? cancelled('the push was cancelled', { cause: error }) : error;
    }
  }
  const labels = {};
  state.onEvent({ action: 'push', imageId: familiarReference(reference), name: familiarName(reference), labels });
}

function imagesToPush(state: GraphState, reference: Reference): { tagged: Reference; image: Image }[] {
  const tags = state.references.tagsIn(repositoryOf(reference));
  if (tags.length === 0) {
    throw notFound(`An image does not exist locally with the tag: ${familiarName(reference)}`);
  }
  const wanted = reference.tag === undefined ? tags : [reference];
  return wanted.map((tagged) => {
    const id = state.references.imageOf(tagged);
    if (!id) throw notFound(`tag does not exist: ${familiarReference(tagged)}`);
    return { tagged, image: state.images.get(id)!.image };
  });
}

function refuseOtherPlatform(image: Image, reference: Reference, wanted: OciPlatform | undefined): void {
  const own = { os: image.os, architecture: image.architecture, ...(image.variant && { variant: image.variant }) };
  if (!wanted || platformMatches(wanted, own)) return;
  throw notFound(
    `image with reference ${familiarReference(reference)} was found but its platform (${formatPlatform(own)}) does not ` +
      `match the specified platform (${formatPlatform(wanted)})`,
  );
}

async function pushImage(state: GraphState, target: PushTarget, reference: Reference, image: Image): Promise<void> {
  const { emit } = target;
  const { diffIds } = image;
  for (const diffId of diffIds) state.layers.pin(diffId);
  try {
    const originals = await originalManifests(state, image);
    const layers = await pushLayers(state, target, image, originals);
    const config = await state.content.read(image.id);
    const manifest =
      reusableManifest(originals, layers) ?? makeManifest({ digest: image.id, size: config.length }, layers);
    await pushConfig(target, image.id, config);
    await putManifest(target, reference.tag!, manifest);
    const digest = digestOf(manifest.bytes);
    const size = manifest.bytes.length;
    await rememberPush(state, reference, image, { ...manifest, digest });
    emit({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    emit({ progressDetail: {}, aux: { Tag: reference.tag!, Digest: digest, Size: size } });
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
    const own = originals.map(({ parsed }) => ({ ...parsed.layers[at]!, repositories: [] }));
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
