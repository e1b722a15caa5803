import { type Digest, hexOf } from '#lib/digest.ts';
import type { GraphState, ImageRecord } from './state.ts';

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

/** The reverse, for an image whose row is gone; `layers.collect` afterwards removes what only this image had. */
export function dropImage(state: GraphState, { image, parent }: ImageRecord): void {
  state.images.delete(image.id);
  state.ids.delete(hexOf(image.id));
  state.layers.dropImage(image.diffIds);
  if (parent === undefined) return;
  const siblings = state.children.get(parent);
  siblings?.delete(image.id);
  if (siblings?.size === 0) state.children.delete(parent);
}

const NONE: ReadonlySet<Digest> = new Set();

/** The images that were made from this one. */
export function childrenOf(state: GraphState, imageId: Digest): ReadonlySet<Digest> {
  return state.children.get(imageId) ?? NONE;
}
