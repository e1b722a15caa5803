import type { Digest } from '#lib/digest.ts';
import type { GraphState } from './state.ts';

/**
 * Removes what an earlier engine has left unfinished: its ingest folders but for downloads, layers without image and container, blobs and
 * indexes that no row names. To be called when the containers are known, and only when the store's identity is ok; what
 * is loaded, tagged and removed meanwhile is safe.
 */
export async function sweepGraph(state: GraphState): Promise<void> {
  await state.content.sweepIngests((digest) => state.layers.hasSource(digest));
  await state.changes.run(() => sweepBlobs(state));
  const kept = [...(await state.content.compressed.sizes()).keys()];
  await state.content.compressed.remove(kept.filter((digest) => !state.layers.hasSource(digest)));
}

/** Under the lock of changes no image's config or manifest is between its file and its row; layers look after themselves. */
async function sweepBlobs(state: GraphState): Promise<void> {
  if (await allRestored(state)) await state.layers.collect([...state.layers.known()]);
  const named = await namedBlobs(state);
  const unnamed: Digest[] = [];
  for await (const digest of state.content.list()) if (!named.has(digest)) unnamed.push(digest);
  for (const digest of await state.driver.listLayers()) {
    if (!named.has(digest as Digest)) unnamed.push(digest as Digest);
  }
  for (const digest of unnamed) await state.layers.removeUnknown(digest);
}

/** Which layers an image has whose config cannot be read is not known: then all stay, for a repair. */
async function allRestored({ db, images }: GraphState): Promise<boolean> {
  const [row] = await db.read<{ images: number }>('SELECT count(*) AS images FROM images');
  return row!.images === images.size;
}

/** All that rows name; by them, not by memory: an image that could not be restored keeps its blobs. */
export async function namedBlobs({ db }: Pick<GraphState, 'db'>): Promise<Set<Digest>> {
  const rows = await db.read<{ digest: Digest }>(
    'SELECT diff_id AS digest FROM layers UNION SELECT id FROM images UNION SELECT digest FROM manifests',
  );
  return new Set(rows.map(({ digest }) => digest));
}
