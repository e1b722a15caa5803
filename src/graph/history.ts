import type { HistoryResponseItem } from '#api/types/image.ts';
import { parseImageConfig } from '#image/config.ts';
import { familiarReference } from '#lib/reference.ts';
import { walkHistory } from './ancestry.ts';
import { findImage } from './lookup.ts';
import type { GraphState } from './state.ts';

/**
 * The steps by which an image came about, the newest first. A step has the id and the tags of the image that it made while
 * that one is here, too. Throws `not-found`.
 */
export async function imageHistory(state: GraphState, name: string): Promise<HistoryResponseItem[]> {
  const { image } = findImage(state, name);
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
  steps.reverse();
  let at = 0;
  for (const { image: made } of walkHistory(state, image.id)) {
    const step = steps[at++];
    if (!step) break;
    const tags = state.references.of(made.id).filter(({ digest }) => digest === undefined);
    step.Id = made.id;
    step.Tags = tags.length > 0 ? tags.map(familiarReference) : null;
  }
  return steps;
}
