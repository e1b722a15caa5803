import { type Digest, hexOf } from '#lib/digest.ts';
import type { GraphState, ImageRecord, KeptManifest } from './state.ts';

/** Makes an image that is in the database a member of the graph: found by its id, its layers kept, its parent's child. */
export function adoptImage(state: GraphState, record: ImageRecord): void {
  const { image, parent } = record;
  state.images.set(image.id, record);
  state.ids.add(hexOf(image.id));
  state.layers.addImage(image.diffIds);
  if (parent === undefined) return;
  const siblings = state.children.get(parent);
  if (siblings) siblings.add(image.id);
  else state.children.set(parent, new Set([image.id]));
}

/** Adds manifests to an image of the graph; those that it has already change nothing. */
export function keepManifests(state: GraphState, record: ImageRecord, manifests: readonly KeptManifest[]): void {
  const known = new Set(record.manifests.map(({ digest }) => digest));
  const added = manifests.filter(({ digest }) => !known.has(digest));
  record.manifests = [...record.manifests, ...added];
  for (const { digest } of added) state.manifestUsers.set(digest, (state.manifestUsers.get(digest) ?? 0) + 1);
}

/**
 * Takes an image whose row is gone out of the graph. Gives its blobs that no other image has; `layers.collect` removes
 * such layers.
 */
export function dropImage(state: GraphState, { image, parent, manifests }: ImageRecord): Digest[] {
  state.images.delete(image.id);
  state.ids.delete(hexOf(image.id));
  state.aliases.drop(image.id);
  state.layers.dropImage(image.diffIds);
  dropChild(state, parent, image.id);
  const unnamed = manifests.filter(({ digest }) => dropManifest(state, digest));
  return [image.id, ...unnamed.map(({ digest }) => digest)];
}

/** Takes a manifest from all images: its blob is lost. */
export function loseManifest({ images, manifestUsers }: GraphState, digest: Digest): void {
  for (const record of images.values()) record.manifests = record.manifests.filter((other) => other.digest !== digest);
  manifestUsers.delete(digest);
}

function dropChild({ children }: GraphState, parent: Digest | undefined, imageId: Digest): void {
  if (parent === undefined) return;
  const siblings = children.get(parent);
  siblings?.delete(imageId);
  if (siblings?.size === 0) children.delete(parent);
}

/** True when no image has the manifest any more. */
function dropManifest({ manifestUsers }: GraphState, digest: Digest): boolean {
  const left = manifestUsers.get(digest)! - 1;
  if (left > 0) manifestUsers.set(digest, left);
  else manifestUsers.delete(digest);
  return left <= 0;
}
