import type { Digest } from '#lib/digest.ts';
import type { GraphState, ImageRecord } from './state.ts';

const NONE: ReadonlySet<Digest> = new Set();

/** The images that were made from this one. */
export function childrenOf(state: GraphState, imageId: Digest): ReadonlySet<Digest> {
  return state.children.get(imageId) ?? NONE;
}

/** True when no image was made from this one. */
export function isHead(state: GraphState, imageId: Digest): boolean {
  return childrenOf(state, imageId).size === 0;
}

/** The image, the one that it was made from, and so on while they are there. */
export function* walkHistory(state: GraphState, imageId: Digest): Generator<ImageRecord> {
  for (let id: Digest | undefined = imageId; id !== undefined; ) {
    const record = state.images.get(id);
    if (!record) return;
    yield record;
    id = record.parent;
  }
}

/** The image and all that were made from it, directly or not. */
export function familyOf(state: GraphState, imageId: Digest): ReadonlySet<Digest> {
  const family = new Set([imageId]);
  for (const id of family) for (const child of childrenOf(state, id)) family.add(child);
  return family;
}
