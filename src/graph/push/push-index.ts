import type { OciPlatform } from '#api/types/image.ts';
import { notFound } from '#errors/errors.ts';
import type { Image } from '#image/image.ts';
import { type Descriptor, type Index, isAttestation, parseManifest } from '#image/manifest.ts';
import { platformMatches } from '#image/platform.ts';
import { type Digest, digestOf } from '#lib/digest.ts';
import { putManifest } from '#registry/manifest-upload.ts';
import type { GraphState } from '../state.ts';
import { pushImage } from './push-image.ts';
import type { PushTarget } from './push-layer.ts';
import type { NamedManifest } from './push-manifest.ts';

/** An index, with its images that are here. */
export interface LocalIndex extends NamedManifest {
  parsed: Index;
  members: readonly { entry: Descriptor; image: Image }[];
}

/** The latest index of several that the image came with and of which all images are here. */
export async function completeIndex(state: GraphState, image: Image): Promise<LocalIndex | undefined> {
  for (const index of await indexesOf(state, image)) {
    const entries = index.parsed.manifests.filter((entry) => !isAttestation(entry));
    if (entries.length > 1 && index.members.length === entries.length) return index;
  }
  return undefined;
}

/** The image for another platform that an index has beside this one, if it is here. */
export async function siblingFor(state: GraphState, image: Image, wanted: OciPlatform): Promise<Image | undefined> {
  const members = (await indexesOf(state, image)).flatMap((index) => index.members);
  return members.find(({ entry }) => entry.platform && platformMatches(wanted, entry.platform))?.image;
}

/** The indexes that the image came with, the latest first, with those of their images that are here. */
async function indexesOf(state: GraphState, image: Image): Promise<LocalIndex[]> {
  const owners = imagesByManifest(state);
  const read = state.images
    .get(image.id)!
    .manifests.toReversed()
    .map(async ({ digest, mediaType }) => {
      const bytes = await state.content.read(digest);
      const parsed = parseManifest(bytes, `manifest ${digest}`);
      if (parsed.kind !== 'index') return [];
      const members = parsed.manifests.flatMap((entry) => {
        const owner = isAttestation(entry) ? undefined : owners.get(entry.digest);
        return owner ? [{ entry, image: owner }] : [];
      });
      return [{ digest, mediaType, bytes, parsed, members }];
    });
  return (await Promise.all(read)).flat();
}

/** Which image came with a manifest of its own; indexes, which are of several, do not count. */
function imagesByManifest({ images }: GraphState): Map<Digest, Image> {
  const owners = new Map<Digest, Image>();
  for (const { image, manifests } of images.values()) {
    for (const { digest, mediaType } of manifests) if (!/index|list/.test(mediaType)) owners.set(digest, image);
  }
  return owners;
}

/**
 * Pushes all images of an index with their manifests, and gives the index that is still to be put: the same bytes where
 * all manifests are, else one of those that came of it. What describes builds is not kept here and so left out.
 */
export async function pushIndex(state: GraphState, target: PushTarget, index: LocalIndex): Promise<NamedManifest> {
  const { mediaType, parsed, members } = index;
  const pushed: { entry: Descriptor; manifest: NamedManifest }[] = [];
  for (const { entry, image } of members) {
    if (!state.images.has(image.id)) throw notFound(`image ${image.id} was removed while it was pushed`);
    const manifest = await pushImage(state, target, image);
    await putManifest(target, manifest.digest, manifest);
    pushed.push({ entry, manifest });
  }
  const isSame = members.length === parsed.manifests.length;
  if (isSame && pushed.every(({ entry, manifest }) => entry.digest === manifest.digest)) return index;
  const manifests = pushed.map(({ entry, manifest }) => ({
    ...entry,
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
  }));
  const changed = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }, undefined, 3));
  return { mediaType, bytes: changed, digest: digestOf(changed) };
}
