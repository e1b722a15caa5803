import type { ImageDeleteResponseItem, ImagePruneResponse } from '#api/types/image.ts';
import { conflict, isEngineError } from '#errors/errors.ts';
import { booleanFilter, checkFilterNames, type Filters } from '#lib/filters.ts';
import { formatReference } from '#lib/reference.ts';
import { isHead } from './ancestry.ts';
import { layerDiskSizes, metadataSize } from './disk-usage.ts';
import { labelAndAgeFilter } from './list.ts';
import { type Removal, removeWithParents } from './remove.ts';
import type { GraphState, ImageRecord } from './state.ts';

const FILTER_NAMES: ReadonlySet<string> = new Set(['dangling', 'label', 'label!', 'until']);

/** Graphs with a prune under way. */
const pruning = new WeakSet<GraphState>();

/**
 * Removes the images that no container uses: those without a tag or, with the filter `dangling=false`, all. Further
 * filters: `until`, `label`, `label!`. `SpaceReclaimed` is in bytes on the disk. Throws `invalid` for a bad filter, and
 * `conflict` while another prune is under way.
 */
export async function pruneImages(state: GraphState, filters: Filters): Promise<ImagePruneResponse> {
  checkFilterNames(filters, FILTER_NAMES);
  const danglingOnly = booleanFilter(filters, 'dangling', true);
  const passes = labelAndAgeFilter(state, filters);
  if (pruning.has(state)) throw conflict('a prune operation is already running');
  pruning.add(state);
  try {
    const deleted: ImageDeleteResponseItem[] = [];
    let reclaimed = 0;
    for (const record of [...state.images.values()]) {
      if (!isPrunable(state, record, danglingOnly) || !passes(record, [])) continue;
      const sizes = await layerDiskSizes(state, record.image.diffIds);
      for (const { answer, images, layers } of await removeNames(state, record)) {
        deleted.push(...answer);
        for (const image of images) reclaimed += metadataSize(image);
        for (const diffId of layers) reclaimed += sizes.get(diffId) ?? 0;
      }
    }
    return { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
  } finally {
    pruning.delete(state);
  }
}

/** Parents without a name are no candidates of their own: they go with their last child. */
function isPrunable(state: GraphState, { image, holds }: ImageRecord, danglingOnly: boolean): boolean {
  const references = state.references.of(image.id);
  if (holds > 0 || state.users(image.id).length > 0) return false;
  if (references.length === 0) return isHead(state, image.id);
  return !danglingOnly || references.every(({ digest }) => digest !== undefined);
}

/** Removes an image name by name. What has come into use meanwhile, or is gone, is left out. */
async function removeNames(state: GraphState, { image }: ImageRecord): Promise<Removal[]> {
  const names = state.references.of(image.id).map(formatReference);
  const removals: Removal[] = [];
  for (const name of names.length > 0 ? names : [image.id]) {
    try {
      removals.push(await removeWithParents(state, name, {}));
    } catch (error) {
      if (!isEngineError(error, 'conflict') && !isEngineError(error, 'not-found')) throw error;
    }
  }
  return removals;
}
