import type { Digest } from '#lib/digest.ts';
import type { GraphState } from '../state.ts';
import { namedBlobs } from '../sweep.ts';
import { checkImages } from './check-images.ts';
import { checkLayers } from './check-layers.ts';
import type { GraphCheck } from './graph-check.ts';
import { rebuildGraph } from './rebuild.ts';

export interface CheckedGraph {
  layers: number;
  bytes: number;
  images: number;
}

/**
 * Compares rows, blobs and indexes with each other, every byte of them; what is loaded, tagged and removed meanwhile is
 * safe. Throws `cancelled` when the signal fires; what was repaired by then stays repaired.
 */
export async function checkGraph(state: GraphState, check: GraphCheck): Promise<CheckedGraph> {
  const wanted = check.distrusted ? await state.changes.run(() => rebuildGraph(state, check)) : new Set<Digest>();
  const layers = await checkLayers(state, check);
  const { images, lost } = await checkImages(state, check);
  if (lost > 0 && check.repair) await state.changes.run(() => state.layers.putUnusedAside());
  await state.changes.run(() => checkUnknown(state, check, wanted));
  return { ...layers, images };
}

/** Blobs and indexes that no row names and no work under way will; `wanted` are those that a repair would name. */
async function checkUnknown(
  state: GraphState,
  { repair, distrusted, report }: GraphCheck,
  wanted: ReadonlySet<Digest>,
): Promise<void> {
  const { content, driver, layers } = state;
  const named = await namedBlobs(state);
  const isUnknown = (digest: Digest) =>
    !named.has(digest) && !wanted.has(digest) && (distrusted || !layers.isNamed(digest));
  const blobs = (await Array.fromAsync(content.list())).filter(isUnknown);
  for (const digest of blobs) {
    const bytes = await content.size(digest);
    if (repair && distrusted) await content.putAside(digest);
    else if (repair) await layers.removeUnknown(digest);
    report({
      subject: `blob ${digest}`,
      problem: 'no image has it',
      path: content.pathOf(digest),
      effect: `it takes ${bytes} bytes for nothing`,
      remedy: distrusted ? 'is put into the quarantine' : 'is removed',
      outcome: repair ? 'repaired' : 'found',
    });
  }
  const indexes = (await driver.listLayers()) as Digest[];
  for (const digest of indexes.filter((digest) => isUnknown(digest) && !blobs.includes(digest))) {
    if (repair) await driver.removeLayer(digest);
    report({
      subject: `index of layer ${digest}`,
      problem: 'there is no such layer',
      effect: 'it takes room for nothing',
      remedy: 'is removed',
      outcome: repair ? 'repaired' : 'found',
    });
  }
}
