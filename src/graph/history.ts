import type { HistoryResponseItem } from '#api/types/image.ts';
import { parseImageConfig } from '#image/config.ts';
import { familiarReference } from '#lib/reference.ts';
import { findImage } from './lookup.ts';
import type { GraphState } from './state.ts';

/** The steps by which an image came about, the newest first. Only the newest has an id and tags. Throws `not-found`. */
export async function imageHistory(state: GraphState, name: string): Promise<HistoryResponseItem[]> {
  const { image } = findImage(state, name);
  const tags = state.references.of(image.id).filter(({ digest }) => digest === undefined);
  const { history } = parseImageConfig(await state.content.read(image.id));
  let layer = 0;
  const steps = history.map(
    (step): HistoryResponseItem => ({
      Id: '<missing>',
      Created: Number(step.createdAt / 1_000_000_000n),
      CreatedBy: step.createdBy,
      Tags: null,
      Size: step.emptyLayer ? 0 : (image.layerSizes[layer++] ?? 0),
      Comment: step.comment,
    }),
  );
  const newest = steps.at(-1);
  if (newest) {
    newest.Id = image.id;
    newest.Tags = tags.length > 0 ? tags.map(familiarReference) : null;
  }
  return steps.reverse();
}
