import type { OciPlatform, ProgressMessage } from '#api/types/image.ts';
import type { CompressRequest } from '#archive/compress-file.ts';
import { cancelled, notFound } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { MANIFEST_TYPES } from '#image/manifest.ts';
import { formatPlatform, platformMatches } from '#image/platform.ts';
import { shortId } from '#lib/digest.ts';
import { familiarName, familiarReference, type Reference, repositoryOf } from '#lib/reference.ts';
import { manifestAt, putManifest } from '#registry/manifest-upload.ts';
import type { Session } from '#registry/session.ts';
import type { GraphState } from '../state.ts';
import { originalManifests, pushImage } from './push-image.ts';
import { completeIndex, pushIndex, siblingFor } from './push-index.ts';
import type { PushTarget } from './push-layer.ts';
import type { NamedManifest } from './push-manifest.ts';
import { rememberPush } from './push-record.ts';

export interface PushRequest {
  /** With a tag: that one. Without: all tags of the repository. It has no digest. */
  reference: Reference;
  /** Push this one alone of an index, and refuse an image of another. */
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
    const names = state.references.of(image.id).filter(({ digest }) => digest !== undefined);
    const sources = [...new Set(names.map(repositoryOf))];
    const target = { session, domain, repository: path, compression, sources, emit, signal };
    try {
      await pushTag(state, target, tagged, image, platform);
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

/** The image for a platform: the one that is tagged, or one that came with it. Throws `not-found`. */
async function imageFor(state: GraphState, image: Image, reference: Reference, wanted: OciPlatform): Promise<Image> {
  const own = { os: image.os, architecture: image.architecture, ...(image.variant && { variant: image.variant }) };
  if (platformMatches(wanted, own)) return image;
  const sibling = await siblingFor(state, image, wanted);
  if (sibling) return sibling;
  throw notFound(
    `image with reference ${familiarReference(reference)} was found but its platform (${formatPlatform(own)}) does not ` +
      `match the specified platform (${formatPlatform(wanted)})`,
  );
}

/** Pushes the image that a tag means, with the rest of its index if all of that is here and no platform was asked for. */
async function pushTag(
  state: GraphState,
  target: PushTarget,
  reference: Reference,
  image: Image,
  platform: OciPlatform | undefined,
): Promise<void> {
  const index = platform ? undefined : await completeIndex(state, image);
  const chosen = platform ? await imageFor(state, image, reference, platform) : image;
  const wanted = index ? [index] : await originalManifests(state, chosen);
  const found = await findAtTag(target, reference.tag!, wanted);
  const pushed = found ?? (index ? await pushIndex(state, target, index) : await pushImage(state, target, chosen));
  if (found) for (const { image } of index?.members ?? [{ image: chosen }]) tellOfLayers(target, image);
  else await putManifest(target, reference.tag!, pushed);
  await rememberPush(state, reference, chosen, pushed);
  const { digest } = pushed;
  const size = pushed.bytes.length;
  target.emit({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
  target.emit({ progressDetail: {}, aux: { Tag: reference.tag!, Digest: digest, Size: size } });
}

/** That one of the wanted manifests which the tag names already. Then the registry has all that it speaks of, too. */
async function findAtTag(target: PushTarget, tag: string, wanted: readonly NamedManifest[]) {
  if (wanted.length === 0) return undefined;
  const there = await manifestAt(target, tag, MANIFEST_TYPES);
  return wanted.find(({ digest }) => digest === there);
}

/** Says of all layers that they are there. */
function tellOfLayers({ emit }: PushTarget, { diffIds }: Image): void {
  for (const id of new Set(diffIds.toReversed().map(shortId))) {
    emit({ status: 'Preparing', progressDetail: {}, id });
    emit({ status: 'Layer already exists', progressDetail: {}, id });
  }
}
