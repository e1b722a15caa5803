import { type Image, noteImage } from '#image/image.ts';
import type { Digest } from '#lib/digest.ts';
import { formatReference, type Reference } from '#lib/reference.ts';
import { fault } from '#lib/write-steps.ts';
import type { Statement } from '#metadata/database.ts';
import { adoptImage, keepManifests } from './adopt.ts';
import { blobStatements } from './known-blobs.ts';
import type { GraphState, ImageEvent, ImageRecord, KeptManifest } from './state.ts';

/** An image whose layers are provided and pinned and whose blobs are in the content store. */
export interface NewImage {
  image: Image;
  references: readonly Reference[];
  /** The image that it was made from. */
  parent?: Digest;
  manifests: readonly KeptManifest[];
  /** Ids that it had before ids were digests (hex digits). */
  aliases?: readonly string[];
  /** Compressed blobs that its layers came as. */
  sources: readonly { digest: Digest; mediaType: string; size: number; diffId: Digest }[];
  /** Where these blobs are, `docker.io/library/busybox`. */
  repository?: string;
}

/** A reference that named another image until now. */
export interface Renamed {
  reference: Reference;
  from: Digest;
}

/**
 * Makes images known, all or none: one transaction (the commit point), then memory. To be called under
 * `state.changes`. An image that is there already only gets the references.
 */
export async function registerImages(state: GraphState, added: readonly NewImage[]): Promise<Renamed[]> {
  const now = state.now();
  await state.db.write(added.flatMap((image) => statementsFor(state, image, now)));
  fault('image.commit');
  return added.flatMap((image) => remember(state, image, now));
}

function statementsFor(
  state: GraphState,
  { image, references, parent, manifests, sources, repository, aliases = [] }: NewImage,
  now: bigint,
): Statement[] {
  return [
    ...[...new Set(image.diffIds)].map((diffId) => layerStatement(state, diffId)),
    ...sources.flatMap((source) => blobStatements(source, repository, now)),
    {
      sql: 'INSERT INTO images (id, config_size, last_tagged_at, parent_id, note) VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING',
      params: [image.id, image.configSize, parent ?? null, noteImage(image)],
    },
    ...manifests.map(({ digest, mediaType, size }) => ({
      sql: 'INSERT INTO manifests (digest, image_id, media_type, size) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      params: [digest, image.id, mediaType, size],
    })),
    ...aliases.map((alias) => ({
      sql: 'INSERT INTO aliases (v1_id, image_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET image_id = excluded.image_id',
      params: [alias, image.id],
    })),
    ...references.flatMap((reference) => tagStatements(reference, image.id, now)),
  ];
}

/** The row of a layer that is there. */
export function layerStatement({ layers }: Pick<GraphState, 'layers'>, diffId: Digest): Statement {
  const { size, contentSize, entries } = layers.info(diffId)!;
  return {
    sql: 'INSERT INTO layers (diff_id, size, content_size, entries) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    params: [diffId, size, contentSize, entries],
  };
}

/** The rows that make `reference` name the image. */
export function tagStatements(reference: Reference, imageId: Digest, now: bigint): Statement[] {
  return [
    {
      sql: 'INSERT INTO refs (reference, image_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET image_id = excluded.image_id',
      params: [formatReference(reference), imageId],
    },
    { sql: 'UPDATE images SET last_tagged_at = ? WHERE id = ?', params: [now, imageId] },
  ];
}

function remember(state: GraphState, added: NewImage, now: bigint): Renamed[] {
  const { image, references, parent, manifests, sources, aliases = [] } = added;
  const before = state.images.get(image.id);
  const record: ImageRecord = before ?? { image, parent, lastTaggedAt: 0n, manifests: [], holds: 0 };
  record.image = image;
  if (references.length > 0) record.lastTaggedAt = now;
  if (!before) adoptImage(state, record);
  keepManifests(state, record, manifests);
  for (const alias of aliases) state.aliases.set(alias, image.id);
  for (const { diffId, digest } of sources) state.layers.addSource(diffId, digest);
  return references.flatMap((reference) => {
    const from = state.references.set(reference, image.id);
    return from ? [{ reference, from }] : [];
  });
}

/** Tells the engine what happened to an image. */
export function publish(state: GraphState, action: ImageEvent['action'], image: Image, name: string): void {
  state.onEvent({ action, imageId: image.id, name, labels: image.config?.Labels ?? {} });
}
