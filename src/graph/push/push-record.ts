import type { Image } from '#image/image.ts';
import { formatReference, type Reference } from '#lib/reference.ts';
import { fault } from '#lib/write-steps.ts';
import { keepManifests } from '../adopt.ts';
import type { GraphState } from '../state.ts';
import type { NamedManifest } from './push-manifest.ts';

/**
 * Remembers what a push has made: the manifest, byte for byte, and the image's name by its digest. An image that was
 * removed meanwhile stays removed.
 */
export async function rememberPush(
  state: GraphState,
  { domain, path }: Reference,
  { id }: Image,
  { digest, mediaType, bytes }: NamedManifest,
): Promise<void> {
  const byDigest: Reference = { domain, path, digest };
  await state.changes.run(async () => {
    const record = state.images.get(id);
    if (!record) return;
    const isKnown = record.manifests.some((other) => other.digest === digest);
    if (isKnown && state.references.imageOf(byDigest) === id) return;
    const kept = { digest, mediaType, size: bytes.length };
    await state.content.write(bytes);
    await state.db.write([
      {
        sql: 'INSERT INTO manifests (digest, image_id, media_type, size) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        params: [digest, id, mediaType, bytes.length],
      },
      {
        sql: 'INSERT INTO refs (reference, image_id) VALUES (?, ?) ON CONFLICT DO UPDATE SET image_id = excluded.image_id',
        params: [formatReference(byDigest), id],
      },
    ]);
    fault('image.push.commit');
    keepManifests(state, record, [kept]);
    state.references.set(byDigest, id);
  });
}
