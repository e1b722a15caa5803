import { describe } from '#errors/errors.ts';
import { type Image, makeImage, recallImage } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import type { Database } from '#metadata/database.ts';
import { adoptImage, keepManifests } from './adopt.ts';
import type { GraphState } from './state.ts';

/** Images of which rows are read at a time. */
const PAGE = 500;

type LayerRow = { diff_id: Digest; size: number; content_size: number; entries: number };
type ManifestRow = { digest: Digest; image_id: Digest; media_type: string; size: number };
type ImageRow = { id: Digest; last_tagged_at: number | bigint; parent_id: Digest | null; note: string | null };
type ReferenceRow = { reference: string; image_id: Digest };

/**
 * Fills the memory from the database. An image of which the database knows nothing and whose config cannot be read is left
 * out, one that lacks layers is kept, both with a warning.
 */
export async function restoreGraph(state: GraphState): Promise<void> {
  const { db } = state;
  const [layers, manifests, blobs] = await Promise.all([
    db.read<LayerRow>('SELECT diff_id, size, content_size, entries FROM layers'),
    db.read<ManifestRow>('SELECT digest, image_id, media_type, size FROM manifests'),
    db.read<{ digest: Digest; diff_id: Digest }>('SELECT digest, diff_id FROM blobs'),
  ]);
  for (const { diff_id, size, content_size, entries } of layers) {
    state.layers.restore({ diffId: diff_id, size, contentSize: content_size, entries });
  }
  for (const { digest, diff_id } of blobs) state.layers.addSource(diff_id, digest);
  const manifestsOf = Map.groupBy(manifests, ({ image_id }) => image_id);
  for await (const images of imageRows(db)) {
    await Promise.all(images.map((row) => restoreImage(state, row, manifestsOf.get(row.id) ?? [])));
  }
  const [references, aliases] = await Promise.all([
    db.read<ReferenceRow>('SELECT reference, image_id FROM refs'),
    db.read<{ v1_id: string; image_id: Digest }>('SELECT v1_id, image_id FROM aliases'),
  ]);
  for (const { v1_id, image_id } of aliases) if (state.images.has(image_id)) state.aliases.set(v1_id, image_id);
  for (const { reference, image_id } of references) {
    if (state.images.has(image_id)) state.references.restore(reference, image_id);
  }
}

/** Page by page: the database reads the next one while one is worked on. */
async function* imageRows(db: Database): AsyncGenerator<ImageRow[], void, void> {
  const sql = 'SELECT id, last_tagged_at, parent_id, note FROM images WHERE id > ? ORDER BY id LIMIT ?';
  let next = db.read<ImageRow>(sql, ['', PAGE]);
  for (let page = await next; page.length > 0; page = await next) {
    next = db.read<ImageRow>(sql, [page.at(-1)!.id, PAGE]);
    yield page;
  }
}

/** Takes an image up that could not be read at the start, as its rows have it. */
export async function restoreOne(state: GraphState, id: Digest): Promise<void> {
  const { db } = state;
  const [rows, manifests, references] = await Promise.all([
    db.read<ImageRow>('SELECT id, last_tagged_at, parent_id, note FROM images WHERE id = ?', [id]),
    db.read<ManifestRow>('SELECT digest, image_id, media_type, size FROM manifests WHERE image_id = ?', [id]),
    db.read<ReferenceRow>('SELECT reference, image_id FROM refs WHERE image_id = ?', [id]),
  ]);
  for (const row of rows) await restoreImage(state, row, manifests);
  if (!state.images.has(id)) return;
  for (const { reference } of references) state.references.restore(reference, id);
}

async function restoreImage(state: GraphState, row: ImageRow, manifests: ManifestRow[]): Promise<void> {
  try {
    const image = await imageOf(state, row);
    const lost = image.diffIds.filter((diffId) => !state.layers.info(diffId));
    if (lost.length > 0) state.warn(`image ${row.id} lacks layers: ${lost.join(', ')}`);
    const lastTaggedAt = BigInt(row.last_tagged_at);
    const record = { image, lastTaggedAt, parent: row.parent_id ?? undefined, manifests: [], holds: 0 };
    adoptImage(state, record);
    const kept = manifests.map(({ digest, media_type, size }) => ({ digest, mediaType: media_type, size }));
    keepManifests(state, record, kept);
  } catch (error) {
    state.warn(`image ${row.id} cannot be used: ${describe(error)}`);
  }
}

/** From its row; rows that were made again from the configs have no note. */
async function imageOf({ content, layers }: GraphState, { id, note }: ImageRow): Promise<Image> {
  return note === null
    ? makeImage(id, await content.read(id), layers.nameAndSize)
    : recallImage(id, note, layers.nameAndSize);
}
